"""What PyTorch says, for tests/importer.test.ts: logits of an exported network, and checkpoints in every format.

usage: torch-peer.py logits WEIGHTS IMAGES.bin JSON OUT.bin
       torch-peer.py counts JSON
       torch-peer.py trained JSON OUT.pth
       torch-peer.py files FOLDER

logits: WEIGHTS is a .safetensors state_dict, or a .pth as `trained` writes it; IMAGES is uint8 [count, 32, 32, 3]; JSON has
        spec, mean and std; OUT is float32 [count, classes].
counts: prints the parameters and multiply-adds of each spec of a list, as PyTorch counts them.
trained: saves a random network of a spec, with running statistics of its own, as kuangliu/pytorch-cifar saves one.
files:  writes <format>-<dtype>.pt for each format and dtype, and what they hold as <dtype>.safetensors (float32).
"""

import json
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.kind = "identity" if shortcut != "none" and inputs == outputs else shortcut
        if self.kind == "B":
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def bypass(self, x):
        if self.kind == "none":
            return 0
        if self.kind == "A":
            channels = x.shape[1] // 2
            return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, channels, channels))
        return self.shortcut(x) if self.kind == "B" else x

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.bypass(x))


class ResNet(nn.Module):
    def __init__(self, blocks, width, shortcut, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        inputs = width
        for stage in (1, 2, 3):
            outputs = width * 2 ** (stage - 1)
            sizes = [inputs] + [outputs] * (blocks - 1)
            steps = [1 if stage == 1 else 2] + [1] * (blocks - 1)
            chain = [Block(size, outputs, step, shortcut) for size, step in zip(sizes, steps)]
            setattr(self, f"layer{stage}", nn.Sequential(*chain))
            inputs = outputs
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


class Unit(nn.Module):
    """A basic block or a bottleneck with the names of kuangliu/pytorch-cifar."""

    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        shapes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        shapes = shapes if bottleneck else [(inputs, width, 3, stride), (width, outputs, 3, 1)]
        self.count = len(shapes)
        for number, (before, after, size, step) in enumerate(shapes, 1):
            setattr(self, f"conv{number}", nn.Conv2d(before, after, size, step, size // 2, bias=False))
            setattr(self, f"bn{number}", nn.BatchNorm2d(after))
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for number in range(1, self.count + 1):
            y = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(F.relu(y) if number > 1 else y))
        return F.relu(y + self.shortcut(x))


class ImageNetResNet(nn.Module):
    def __init__(self, depth, width, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        inputs, bottleneck = width, depth >= 50
        for stage, count in enumerate([2, 2, 2, 2] if depth == 18 else [3, 4, 6, 3], 1):
            chain = []
            for block in range(count):
                chain.append(Unit(inputs, width * 2 ** (stage - 1), 2 if stage > 1 and block == 0 else 1, bottleneck))
                inputs = width * 2 ** (stage - 1) * (4 if bottleneck else 1)
            setattr(self, f"layer{stage}", nn.Sequential(*chain))
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
        return self.linear(F.avg_pool2d(self.layer4(self.layer3(x)), 4).flatten(1))


class VGG(nn.Module):
    def __init__(self, depth, width, classes):
        super().__init__()
        counts = {11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3]}[depth]
        inputs, features = 3, []
        for stage, count in enumerate(counts):
            for _ in range(count):
                outputs = width * min(2**stage, 8)
                features += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
                inputs = outputs
            features.append(nn.MaxPool2d(2, 2))
        self.features, self.classifier = nn.Sequential(*features), nn.Linear(inputs, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def network_of(spec):
    depth, width, classes = spec["depth"], spec["width"], spec["classes"]
    if spec["family"] == "vgg":
        return VGG(depth, width, classes)
    if spec["family"] == "imagenet-resnet":
        return ImageNetResNet(depth, width, classes)
    return ResNet((depth - 2) // 6, width, "none" if spec["family"] == "plain" else spec["shortcut"], classes)


def state_of(weights):
    if weights.endswith(".safetensors"):
        return load_file(weights)
    state = torch.load(weights, weights_only=True)["net"]
    return {name.removeprefix("module."): value for name, value in state.items()}


def logits(weights, images, description, out):
    about = json.loads(description)
    network = network_of(about["spec"]).eval()
    network.load_state_dict(state_of(weights), strict=True)
    pixels = torch.from_numpy(np.fromfile(images, dtype=np.uint8).reshape(-1, 32, 32, 3)).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(about[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    torch.set_num_threads(1)
    with torch.inference_mode():
        batches = [network((batch.float() / 255 - mean) / std) for batch in pixels.split(100)]
    torch.cat(batches).numpy().tofile(out)


def counts(specs):
    found = []
    for spec in json.loads(specs):
        network = network_of(spec).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.zeros(1, 3, 32, 32))
        parameters = sum(parameter.numel() for parameter in network.parameters())
        found.append({"parameters": parameters, "multiplications": counter.get_total_flops() // 2})
    print(json.dumps(found))


def trained(description, out):
    torch.manual_seed(1)
    network = network_of(json.loads(description))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.rand_like(parameter) if parameter.dim() == 1 else 0)
        network(torch.rand(32, 3, 32, 32))
    torch.save({"net": {f"module.{name}": value for name, value in network.state_dict().items()}, "acc": 1}, out)


def files(folder):
    torch.manual_seed(1)
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        network = ResNet(1, 4, "B", 10)
        for buffer in network.buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
        state = network.to(dtype).state_dict()
        name = str(dtype).removeprefix("torch.")
        torch.save(state, f"{folder}/zip-{name}.pt")
        torch.save({"net": state, "epoch": 3}, f"{folder}/legacy-{name}.pt", _use_new_zipfile_serialization=False)
        save_file(state, f"{folder}/safetensors-{name}.safetensors")
        save_file({key: value.float().contiguous() for key, value in state.items()}, f"{folder}/{name}.safetensors")


{"logits": logits, "counts": counts, "trained": trained, "files": files}[sys.argv[1]](*sys.argv[2:])
