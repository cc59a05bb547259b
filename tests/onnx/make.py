"""Makes the small networks of this folder, with random weights, and what ONNX Runtime says of them.

    python make.py                    # with the packages torch, onnx, onnxruntime and onnxscript

Each is a narrow, shallow network in the shape of a known one, written by torch.onnx.export; NAME.json holds the logits of the
images in images.npy, intact and with each convolution's weight zeroed in the file.
"""
import json
import os

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))


def conv(i, o, k=3, s=1, g=1, act=nn.ReLU, eps=1e-5, d=1):
    layers = [nn.Conv2d(i, o, k, s, d * (k - 1) // 2, dilation=d, groups=g, bias=False), nn.BatchNorm2d(o, eps=eps)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Inverted(nn.Module):
    def __init__(self, i, o, s, expand, k=3, act=nn.ReLU6, se=False, eps=1e-5):
        super().__init__()
        hidden = i * expand
        self.expand = conv(i, hidden, 1, act=act, eps=eps) if expand > 1 else nn.Identity()
        self.depthwise = conv(hidden, hidden, k, s, hidden, act=act, eps=eps)
        self.se = Squeeze(hidden, max(2, hidden // 8)) if se else nn.Identity()
        self.project = conv(hidden, o, 1, act=None, eps=eps)
        self.residual = s == 1 and i == o

    def forward(self, x):
        y = self.project(self.se(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class Squeeze(nn.Module):
    def __init__(self, channels, squeezed, act=nn.SiLU, gate=nn.Sigmoid):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        self.act, self.gate = act(), gate()

    def forward(self, x):
        return x * self.gate(self.fc2(self.act(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class Head(nn.Module):
    def __init__(self, features, i, classes=10):
        super().__init__()
        self.features, self.dropout, self.classifier = features, nn.Dropout(0.2), nn.Linear(i, classes)

    def forward(self, x):
        return self.classifier(self.dropout(torch.flatten(F.adaptive_avg_pool2d(self.features(x), 1), 1)))


def mobilenetv2():
    blocks = [Inverted(8, 8, 1, 1), Inverted(8, 12, 2, 4), Inverted(12, 12, 1, 4), Inverted(12, 16, 2, 4), Inverted(16, 16, 1, 4)]
    return Head(nn.Sequential(conv(3, 8, 3, 2, act=nn.ReLU6), *blocks, conv(16, 48, 1, act=nn.ReLU6)), 48)


class DenseLayer(nn.Module):
    def __init__(self, i, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(i), nn.Conv2d(i, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv2(F.relu(self.norm2(self.conv1(F.relu(self.norm1(x))))))], 1)


def densenet():
    def block(i):
        return [DenseLayer(i, 4), DenseLayer(i + 4, 4), DenseLayer(i + 8, 4)]

    def transition(i, o):
        return [nn.BatchNorm2d(i), nn.ReLU(), nn.Conv2d(i, o, 1, bias=False), nn.AvgPool2d(2, 2)]

    stem = [nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return Head(nn.Sequential(*stem, *block(8), *transition(20, 10), *block(10), nn.BatchNorm2d(22), nn.ReLU()), 22)


class Fire(nn.Module):
    def __init__(self, i, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(i, squeeze, 1)
        self.expand1x1, self.expand3x3 = nn.Conv2d(squeeze, expand, 1), nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self):
        super().__init__()
        pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
        self.features = nn.Sequential(nn.Conv2d(3, 16, 3, 2), nn.ReLU(), pool(), Fire(16, 4, 12), Fire(24, 4, 12), pool(), Fire(24, 8, 16))
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(32, 10, 1), nn.ReLU(), nn.AdaptiveAvgPool2d((1, 1)))

    def forward(self, x):
        return torch.flatten(self.classifier(self.features(x)), 1)


def shuffle(x, groups):
    n, c, h, w = x.size()
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


class Shuffle(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        half = o // 2
        self.s = s
        first = i if s > 1 else half
        self.branch1 = nn.Sequential(conv(i, i, 3, s, i, act=None), conv(i, half, 1)) if s > 1 else nn.Sequential()
        self.branch2 = nn.Sequential(conv(first, half, 1), conv(half, half, 3, s, half, act=None), conv(half, half, 1))

    def forward(self, x):
        if self.s > 1:
            return shuffle(torch.cat([self.branch1(x), self.branch2(x)], 1), 2)
        x1, x2 = x.chunk(2, dim=1)
        return shuffle(torch.cat([x1, self.branch2(x2)], 1), 2)


class ShuffleHead(nn.Module):
    def __init__(self, features, i):
        super().__init__()
        self.features, self.fc = features, nn.Linear(i, 10)

    def forward(self, x):
        return self.fc(self.features(x).mean([2, 3]))


def shufflenetv2():
    blocks = [Shuffle(8, 16, 2), Shuffle(16, 16, 1), Shuffle(16, 32, 2), Shuffle(32, 32, 1)]
    return ShuffleHead(nn.Sequential(conv(3, 8, 3, 2), *blocks, conv(32, 48, 1)), 48)


class Inception(nn.Module):
    def __init__(self, i, a, b, c, d):
        super().__init__()
        self.branch1, self.branch2 = conv(i, a, 1, eps=1e-3), nn.Sequential(conv(i, b[0], 1, eps=1e-3), conv(b[0], b[1], 3, eps=1e-3))
        self.branch3 = nn.Sequential(conv(i, c[0], 1, eps=1e-3), conv(c[0], c[1], 3, eps=1e-3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv(i, d, 1, eps=1e-3))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


def googlenet():
    stem = [conv(3, 8, 7, 2, eps=1e-3), nn.MaxPool2d(3, 2, ceil_mode=True), conv(8, 8, 1, eps=1e-3), conv(8, 16, 3, eps=1e-3)]
    return Head(nn.Sequential(*stem, Inception(16, 8, (6, 12), (4, 6), 6), nn.MaxPool2d(3, 2, ceil_mode=True), Inception(32, 8, (6, 12), (4, 8), 4)), 32)


def efficientnet():
    kind = dict(act=nn.SiLU, se=True, eps=1e-3)
    blocks = [Inverted(8, 8, 1, 1, **kind), Inverted(8, 12, 2, 4, **kind), Inverted(12, 12, 1, 4, **kind), Inverted(12, 16, 2, 4, k=5, **kind)]
    return Head(nn.Sequential(conv(3, 8, 3, 2, act=nn.SiLU, eps=1e-3), *blocks, conv(16, 48, 1, act=nn.SiLU, eps=1e-3)), 48)


class Bottleneck(nn.Module):
    def __init__(self, i, width, o, s, groups, se=False, d=1):
        super().__init__()
        self.conv1, self.conv2 = conv(i, width, 1), conv(width, width, 3, s, groups, d=d)
        self.se = Squeeze(width, 4, nn.ReLU) if se else nn.Identity()
        self.conv3 = conv(width, o, 1, act=None)
        self.downsample = conv(i, o, 1, s, act=None) if s > 1 or i != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.conv3(self.se(self.conv2(self.conv1(x)))) + self.downsample(x))


def resnext():
    blocks = [Bottleneck(8, 16, 32, 1, 4), Bottleneck(32, 16, 32, 1, 4), Bottleneck(32, 24, 48, 2, 4), Bottleneck(48, 24, 48, 1, 4, d=2)]
    return Head(nn.Sequential(conv(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1), *blocks), 48)


def regnet():
    blocks = [Bottleneck(8, 16, 16, 2, 2, se=True), Bottleneck(16, 16, 16, 1, 2, se=True), Bottleneck(16, 24, 24, 2, 3, se=True)]
    return Head(nn.Sequential(conv(3, 8, 3, 2), *blocks), 24)


class Odd(nn.Module):
    """What the others leave out: hard and leaky activations, padding, slices, non-square kernels, pools that count their border."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, (3, 5), (1, 2), (0, 2))
        self.wide, self.tall = nn.Conv2d(8, 8, (1, 7), padding=(0, 3), bias=False), nn.Conv2d(8, 8, (7, 1), padding=(3, 0))
        self.gate, self.last = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 12, 3, 2)
        self.hidden, self.out = nn.Linear(12 * 6, 16), nn.Linear(16, 10)

    def forward(self, x):
        x = F.hardswish(self.stem(x))
        x = F.avg_pool2d(F.leaky_relu(self.wide(x), 0.1), 3, 2, 1) - F.avg_pool2d(self.tall(x), 3, 2, 1, count_include_pad=False)
        x = x * F.hardsigmoid(self.gate(x)) + F.avg_pool2d(x, 3, 1, 1, ceil_mode=True)
        x = F.pad(x[:, :, 1:-1, :6], (1, 2, 0, 1)) * 2.0 - 0.25
        x = F.max_pool2d(self.last(x), 2, 2, ceil_mode=True)
        return torch.softmax(self.out(torch.clamp(self.hidden(torch.flatten(x, 1)), -1, 3)), 1)


# Exporters write the same network differently, by their opset and by whether they fold batch norms into convolutions.
NETWORKS = {
    "mobilenetv2": (mobilenetv2, dict(opset_version=11)),
    "densenet": (densenet, dict(opset_version=13)),
    "squeezenet": (SqueezeNet, dict(opset_version=12)),
    "shufflenetv2": (shufflenetv2, dict(opset_version=17, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)),
    "googlenet": (googlenet, dict(opset_version=14)),
    "efficientnet": (efficientnet, dict(opset_version=18, dynamo=True)),
    "resnext": (resnext, dict(opset_version=20, dynamo=True)),
    "regnet": (regnet, dict(opset_version=16, training=torch.onnx.TrainingMode.PRESERVE)),
    "odd": (Odd, dict(opset_version=17)),
}


def randomized(make, seed):
    """Weights of He et al.'s size, batch norms that are not the identity."""
    torch.manual_seed(seed)
    model = make().eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0, 0.2)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.6, 1.2)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.7, 1.3)
    return model


def export(model, path, options):
    batch = {"input": {0: "batch"}, "logits": {0: "batch"}}
    names = dict(input_names=["input"], output_names=["logits"])
    if options.get("dynamo"):
        batch = dict(dynamic_shapes=[{0: torch.export.Dim("batch")}], external_data=False, verbose=False)
        torch.onnx.export(model, (torch.zeros(2, 3, 32, 32),), path, **names, **batch, **options)
    else:
        torch.onnx.export(model, (torch.zeros(2, 3, 32, 32),), path, **names, dynamic_axes=batch, dynamo=False, **options)


def without_traces(model):
    """Exporters write where the code stood that made a node."""
    del model.metadata_props[:]
    for entry in [model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        entry.doc_string = ""
        del entry.metadata_props[:]
    return model


def logits_of(model, images):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def without(model, weight):
    """The file with one initializer zeroed."""
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    for tensor in changed.graph.initializer:
        if tensor.name == weight:
            tensor.CopyFrom(numpy_helper.from_array(np.zeros_like(numpy_helper.to_array(tensor)), weight))
    return changed


def main():
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    np.save(os.path.join(HERE, "images.npy"), images)
    pixels = (images.astype(np.float32) / 255).transpose(0, 3, 1, 2)
    for seed, (name, (make, options)) in enumerate(NETWORKS.items()):
        path = os.path.join(HERE, f"{name}.onnx")
        export(randomized(make, seed), path, options)
        model = without_traces(onnx.load(path))
        onnx.save(model, path)
        rounded = lambda logits: [[float(f"{x:.7g}") for x in row] for row in logits.tolist()]
        convolutions = [node.input[1] for node in model.graph.node if node.op_type == "Conv"]
        zeroed = {weight: rounded(logits_of(without(model, weight), pixels)) for weight in convolutions}
        said = {"opset": model.opset_import[0].version, "intact": rounded(logits_of(model, pixels)), "zeroed": zeroed}
        with open(os.path.join(HERE, f"{name}.json"), "w") as file:
            json.dump(said, file, separators=(",", ":"))
        print(name, len(convolutions), os.path.getsize(path), sorted({node.op_type for node in model.graph.node}))


if __name__ == "__main__":
    main()
