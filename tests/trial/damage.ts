// Files of this project with a flipped bit, a zeroed page or a missing end: what is read from them is right, or refused.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeNetwork } from "../../lib/checkpoints/network-file";
import { specOf } from "../../lib/networks/spec";
import { loadProgress } from "../../lib/runs/resume";
import { loadNetwork, loadRun } from "../../lib/runs/run-folder";
import { purposeOf, trainRun } from "../../lib/runs/train-run";
import type { Random } from "../../lib/statistics/shuffle";
import { openResults } from "../../lib/sweeps/saved";
import { FAST } from "../../lib/training/recipe";
import { smallDataset, smallNetwork } from "../small";
import { count, type Part, tallyOf } from "./tally";

const PAGE = 4096; // bytes

function damaged(whole: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(whole);
  const kind = random.integer(3);
  if (kind === 0) bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
  if (kind === 1) bytes.fill(0, ...pageIn(bytes.length, random));
  return kind === 2 ? bytes.subarray(0, random.integer(bytes.length)) : bytes;
}

function pageIn(length: number, random: Random): [number, number] {
  const start = random.integer(Math.max(1, length - PAGE));
  return [start, start + PAGE];
}

/** A way to read a file: what it gives as text, which has to be that of the whole file where it gives anything. */
interface Reading {
  readonly promise: string;
  readonly file: string;
  readonly read: () => unknown;
  /** Whether less than all is a right answer: results that were damaged are computed again. */
  readonly partly?: (found: unknown) => boolean;
}

const SPEC = specOf("resnet8-w4");
const DATA = { training: smallDataset(100), test: smallDataset(50, 2) };
const CONFIG = { ...FAST, epochs: 2, batch: 20, rate: 0.05, shift: 1 };
const KEY = "ab".repeat(32);
const SHAPE = { rows: 3, images: 40 };

async function readingsIn(folder: string): Promise<Reading[]> {
  const [run, stopped] = [join(folder, "run"), join(folder, "stopped")];
  await trainRun(run, SPEC, DATA, CONFIG);
  const stop = new AbortController();
  const onEpoch = () => stop.abort(new Error("enough"));
  await trainRun(stopped, SPEC, DATA, CONFIG, { signal: stop.signal, onEpoch }).catch(() => {});
  const exported = join(folder, "network.safetensors");
  writeFileSync(exported, encodeNetwork(smallNetwork()));
  const part = (start: number) => ({
    ...{ start, rows: [0, 1, 2], predictions: [0, 1, 2].map((row) => new Uint8Array(10).fill(row + start)) },
    losses: [0, 1, 2].map((row) => new Float32Array(10).fill(row / 3)),
  });
  const results = openResults(folder, KEY, SHAPE);
  for (const start of [0, 10, 20, 30]) results.write(part(start));
  const stretches = () => {
    const opened = openResults(folder, KEY, SHAPE);
    return [0, 10, 20, 30].map((start) => opened.read(start, start + 10, [0, 1, 2]));
  };
  const whole = JSON.stringify(stretches());
  const among = (found: unknown) =>
    (found as unknown[]).every((stretch) => stretch === undefined || whole.includes(JSON.stringify(stretch)));
  return [
    {
      promise: "a damaged checkpoint is not gone on from",
      file: join(stopped, "checkpoint.safetensors"),
      read: () => loadProgress(stopped, purposeOf(SPEC, DATA, CONFIG)),
    },
    {
      promise: "damaged weights of a run are not loaded",
      file: join(run, "weights.safetensors"),
      read: async () => (await loadRun(run)).network,
    },
    {
      promise: "a damaged exported network is not loaded",
      file: exported,
      read: () => loadNetwork(exported),
    },
    {
      promise: "damaged results give no wrong number",
      file: join(folder, `${KEY}.results`),
      read: stretches,
      partly: among,
    },
  ];
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, member) => (member instanceof Map ? [...member] : (member as unknown)));

export const damage: Part = async ({ folder, random, goesOn }) => {
  const readings = await readingsIn(folder);
  const tallies = readings.map(({ promise }) => tallyOf(promise));
  const wholes = readings.map(({ file }) => Uint8Array.from(readFileSync(file)));
  do {
    for (const [index, { file, read, partly }] of readings.entries()) {
      const changed = damaged(wholes[index], random);
      const right = textOf(await read());
      writeFileSync(file, changed);
      const found = await Promise.resolve()
        .then(read)
        .catch(() => undefined);
      await count(tallies[index], `trial ${tallies[index].trials}`, () =>
        assert.ok(found === undefined || textOf(found) === right || partly?.(found), "another answer"),
      );
      writeFileSync(file, wholes[index]);
    }
  } while (goesOn());
  return tallies;
};
