// In a process of its own, which memory.ts starts: a zero sweep of a network with random weights over noise. Prints one line of JSON.
import type { Dataset } from "../../lib/data/dataset";
import { CIFAR10_NORMALIZATION, initialParameters, type Network } from "../../lib/networks/network";
import { randomStream } from "../../lib/statistics/random";
import { specOf } from "../../lib/networks/spec";
import { sweep } from "../../lib/sweeps/sweep";

/** Memory does not depend on what a network has learned. */
function randomNetwork(name: string): Network {
  const spec = specOf(name);
  const parameters = initialParameters(spec, randomStream(1, "benchmark"));
  return { name, spec, normalization: CIFAR10_NORMALIZATION, parameters };
}

function noise(count: number): Dataset {
  const random = randomStream(1, "noise");
  const images = Uint8Array.from({ length: count * 3072 }, () => random.integer(256));
  const classes = Array.from({ length: 10 }, (_, label) => `class ${label}`);
  return { name: "cifar10", split: "test", count, images, labels: new Uint8Array(count), classes, sha256: "noise" };
}

const [name, images] = process.argv.slice(2);
const began = performance.now();
void sweep(randomNetwork(name), noise(Number(images))).then(() => {
  const seconds = (performance.now() - began) / 1000;
  // maxRSS is in kilobytes of 1024 bytes.
  console.log(JSON.stringify({ gigabytes: (process.resourceUsage().maxRSS * 1024) / 1e9, seconds }));
});
