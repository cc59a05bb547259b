// Mutated files from outside: each gives whole tensors or an error of the reader's own.
import { encodeSafetensors, decodeSafetensors } from "../../lib/files/safetensors";
import { encodeTorchState } from "../../lib/checkpoints/torch";
import { fuzz, type FuzzOptions } from "../mutations";
import { smallNetwork } from "../small";
import { floats, orderedDict, stateDictFile, tensor, torchEntries, torchTensors, zipFile } from "../torch-file";
import { count, type Part, tallyOf } from "./tally";

const ROUND = 100;

export const mutants: Part = async ({ random, goesOn }) => {
  const { tensors } = decodeSafetensors(encodeTorchState(smallNetwork()));
  const object = orderedDict([["w", tensor({ key: "0", shape: [2] }, 2)]]);
  const entries = torchEntries(object, new Map([["0", floats([1, 2])]]));
  const unchecked = zipFile(entries.map(([name, bytes]) => [name, bytes, { crc: 0 }]));
  const kinds: [string, Uint8Array, FuzzOptions["decode"]][] = [
    ["safetensors", encodeSafetensors(tensors), (bytes) => decodeSafetensors(bytes).tensors],
    ["PyTorch's old format", stateDictFile(tensors), torchTensors],
    ["PyTorch's zip archives", unchecked, torchTensors],
  ];
  const tallies = kinds.map(([kind]) => tallyOf(`${ROUND} mutated files give whole tensors or a clear error: ${kind}`));
  do {
    for (const [index, [, file, decode]] of kinds.entries()) {
      const seed = random.integer(2 ** 30);
      const options = { decode, head: Math.min(file.length, 8000), count: ROUND, seed };
      await count(tallies[index], `seed ${seed}`, () => fuzz(file, options));
    }
  } while (goesOn());
  return tallies;
};
