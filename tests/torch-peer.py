"""What PyTorch says, for tests/importer.test.ts: logits of an exported network, and checkpoints in every format.

usage: torch-peer.py logits WEIGHTS.safetensors IMAGES.bin JSON OUT.bin
       torch-peer.py files FOLDER

logits: IMAGES is uint8 [count, 32, 32, 3]; JSON has blocks, width, shortcut, family, classes, mean, std; OUT is float32
        [count, classes].
files:  writes <format>-<dtype>.pt for each format and dtype, and what they hold as <dtype>.safetensors (float32).
"""

import json
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


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


def logits(weights, images, description, out):
    about = json.loads(description)
    shortcut = "none" if about["family"] == "plain" else about["shortcut"]
    network = ResNet(about["blocks"], about["width"], shortcut, about["classes"]).eval()
    network.load_state_dict(load_file(weights), strict=True)
    pixels = torch.from_numpy(np.fromfile(images, dtype=np.uint8).reshape(-1, 32, 32, 3)).permute(0, 3, 1, 2)
    mean, std = (torch.tensor(about[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    torch.set_num_threads(1)
    with torch.inference_mode():
        batches = [network((batch.float() / 255 - mean) / std) for batch in pixels.split(100)]
    torch.cat(batches).numpy().tofile(out)


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


if sys.argv[1] == "logits":
    logits(*sys.argv[2:])
else:
    files(sys.argv[2])
