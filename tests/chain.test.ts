// The picture of a network's blocks: what is drawn for whom, and what it says in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { networkPicture } from "../lib/figures/chain";
import { changesChannels, layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";

const count = (text: string, part: RegExp) => text.match(part)?.length ?? 0;

test("every convolution of a branch is a bar, coloured where it changes the number of channels", () => {
  for (const name of ["resnet20", "plain20", "resnet110", "vgg16", "torchvision-resnet50"]) {
    const spec = specOf(name);
    const { svg } = networkPicture(spec)!;
    const layers = layersOf(spec);
    assert.equal(count(svg, /<rect /g) + count(svg, /<circle /g), layers.length, name);
    assert.equal(count(svg, /fill="#D55E00"/g), layers.filter(changesChannels).length, name);
  }
});

test("a shortcut is an arc, dashed where zero channels are added, with a dot where it is a convolution", () => {
  const drawn = (name: string) => {
    const { svg } = networkPicture(specOf(name))!;
    return [count(svg, /<path /g), count(svg, /stroke-dasharray/g), count(svg, /<circle /g)];
  };
  assert.deepEqual(drawn("resnet20"), [9, 2, 0]);
  assert.deepEqual(drawn("resnet20-B"), [9, 0, 2]);
  assert.deepEqual(drawn("plain20"), [0, 0, 0]);
});

test("a picture says in words what it shows, stage by stage, as wide as its blocks need", () => {
  const { svg, text } = networkPicture(specOf("resnet20"))!;
  assert.equal(
    text,
    "stem: one convolution, 16 channels, 32 x 32 pixels; stage 1: three blocks of two convolutions, 16 channels, 32 x 32 pixels; " +
      "stage 2: three blocks of two convolutions, 32 channels, 16 x 16 pixels; stage 3: three blocks of two convolutions, 64 channels, 8 x 8 pixels",
  );
  const width = (name: string) => Number(/ width="([\d.]+)"/.exec(networkPicture(specOf(name))!.svg)![1]);
  assert.ok(svg.includes(`<title>${text}</title>`));
  assert.ok(width("resnet110") > width("resnet20"));
});
