"""Makes the files of this folder: what PyTorch says of networks of known architectures, whose weights a formula gives.

    python make.py                    # with the packages torch, torchvision, timm and pytorchcv

NAME.json holds the names and shapes of the network's state_dict, its logits of three images, and those with the weight of each
convolution (or of some) zeroed. Weights and images are hashes of their name and place, so that they need not be kept: `hashes` is
in tests/torch-logits.test.ts too.
"""
import json
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = 3


def hashes(name, count):
    """Numbers from 0 to below 1: FNV-1a of the name, then murmur3's finalizer of that and the place."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (np.arange(count, dtype=np.uint64) * 0x9E3779B9 + seed) % 2**32
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ (x >> np.uint64(shift))) * factor % 2**32
    return (x ^ (x >> np.uint64(16))) / 2**32


def weights(name, shape):
    u = hashes(name, int(np.prod(shape)))
    if len(shape) > 1:
        values = (2 * u - 1) * (6 / np.prod(shape[1:])) ** 0.5  # He et al.'s variance
    elif name.endswith("weight") or name.endswith("running_var"):
        values = 0.5 + u
    else:
        values = 0.4 * u - 0.2
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


class Block(nn.Module):
    """With the names of xternalz/WideResNet-pytorch."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.convShortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return y + (self.convShortcut(active) if self.convShortcut else x)


class Stage(nn.Module):
    def __init__(self, count, inputs, outputs, stride):
        super().__init__()
        sizes = [inputs] + [outputs] * (count - 1)
        self.layer = nn.Sequential(*(Block(size, outputs, stride if i == 0 else 1) for i, size in enumerate(sizes)))

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, depth, factor, classes=10):
        super().__init__()
        widths = [16] + [16 * factor * 2**stage for stage in range(3)]
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        for stage in range(3):
            block = Stage((depth - 4) // 6, widths[stage], widths[stage + 1], 1 if stage == 0 else 2)
            setattr(self, f"block{stage + 1}", block)
        self.bn1, self.fc = nn.BatchNorm2d(widths[3]), nn.Linear(widths[3], classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.block3(self.block2(self.block1(self.conv1(x))))))
        return self.fc(F.avg_pool2d(x, 8).flatten(1))


def preresnet(depth, bottleneck):
    from pytorchcv.models.preresnet_cifar import get_preresnet_cifar

    return get_preresnet_cifar(num_classes=10, blocks=depth, bottleneck=bottleneck)


def pytorchcv_wide(depth, factor):
    from pytorchcv.models.wrn_cifar import CIFARWRN

    return CIFARWRN([[16 * factor * 2**stage] * ((depth - 4) // 6) for stage in range(3)], init_block_channels=16)


def torchvision_resnet(name):
    import torchvision

    return getattr(torchvision.models, name)(num_classes=10)


def timm_resnet(name):
    import timm

    return timm.create_model(name, num_classes=10)


# What makes each network, the side of its images, and of how many convolutions one is zeroed.
NETWORKS = {
    "preresnet20": (lambda: preresnet(20, False), 32, 1),
    "preresnet29bn": (lambda: preresnet(29, True), 32, 1),
    "wrn16-4": (lambda: WideResNet(16, 4), 32, 1),
    "wrn10-2-pytorchcv": (lambda: pytorchcv_wide(10, 2), 32, 1),
    "torchvision-resnet18-s64": (lambda: torchvision_resnet("resnet18"), 64, 4),
    "torchvision-resnet50-s75": (lambda: torchvision_resnet("resnet50"), 75, 12),
    "torchvision-resnet34-s33-timm": (lambda: timm_resnet("resnet34"), 33, 16),
}


def logits(network, images):
    with torch.inference_mode():
        return [[float(f"{logit:.7g}") for logit in row] for row in network(images).tolist()]


def said(make, side, every):
    network = make().eval()
    state = {name: tuple(values.shape) for name, values in network.state_dict().items()}
    state = {name: shape for name, shape in state.items() if not name.endswith("num_batches_tracked")}
    network.load_state_dict({name: weights(name, shape) for name, shape in state.items()}, strict=False)
    pixels = np.floor(256 * hashes("images", IMAGES * side * side * 3)).reshape(IMAGES, side, side, 3)
    images = torch.from_numpy((pixels / 255).astype(np.float32)).permute(0, 3, 1, 2)
    found = {"side": side, "tensors": state, "intact": logits(network, images), "zeroed": {}}
    convolutions = [name for name, shape in state.items() if len(shape) == 4]
    for name in convolutions[::every]:
        weight = network.get_parameter(name)
        kept = weight.detach().clone()
        with torch.no_grad():
            weight.zero_()
            found["zeroed"][name] = logits(network, images)
            weight.copy_(kept)
    found["parameters"] = sum(parameter.numel() for parameter in network.parameters())
    return found


if __name__ == "__main__":
    for name in sys.argv[1:] or NETWORKS:
        with open(os.path.join(HERE, f"{name}.json"), "w") as file:
            json.dump(said(*NETWORKS[name]), file, separators=(",", ":"))
            file.write("\n")
