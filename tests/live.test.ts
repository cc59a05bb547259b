// A training in a cell: what is displayed, how it is interrupted, and that the cell run again goes on.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, test } from "node:test";
import { trainLive } from "../lib/notebook/train-live";
import { specOf } from "../lib/networks/spec";
import { FAST } from "../lib/training/recipe";
import { type Message, pretendKernel, slowClock, textsOf } from "./cell";
import { smallDataset } from "./small";

type Plot = { data: { x: number[]; y: number[]; opacity: number }[] };
const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-live-"));
const PLOT = "application/vnd.plotly.v1+json";

let running: ReturnType<typeof pretendKernel> | undefined;

afterEach(() => running?.end());
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** What is displayed from now on. */
const kernel = (stopAt?: (text: string) => boolean): Message[] => (running = pretendKernel(stopAt)).messages;

const SPEC = specOf("resnet8-w4");
const CONFIG = { ...FAST, epochs: 3, batch: 20, rate: 0.05, shift: 1 };
const [DATA, TEST] = [smallDataset(100), smallDataset(50, 2)];

const cell = (dir: string) =>
  trainLive(SPEC, DATA, CONFIG, { dir: path.join(FOLDER, dir), test: TEST, clock: slowClock() });

test("trainLive() shows two outputs that change in place: a line with all that is asked for, and curves", async () => {
  const messages = kernel();
  const run = await cell("whole");
  const ids = new Map<string, Message[]>();
  for (const message of messages) {
    const id = message.transient.display_id!;
    ids.set(id, [...(ids.get(id) ?? []), message]);
  }
  assert.equal(ids.size, 2);
  for (const [first, ...others] of ids.values()) {
    assert.equal(first.update, false);
    assert.ok(others.every(({ update }) => update));
  }
  const lines = textsOf(messages).filter((text) => /· training/.test(text));
  assert.match(
    lines[7],
    /^\d+ % · [\d.]+ s left · \d+ of 15 steps · training · [\d.]+ steps\/s · epoch 2 of 3 · loss \d\.\d+ · rate 0\.\d+ · \d+ images\/s {2}█+░+$/,
  );
  const plots = messages.filter(({ data }) => PLOT in data).map(({ data }) => data[PLOT] as Plot);
  const [steps] = plots.at(-1)!.data;
  assert.deepEqual([steps.x.length, steps.x[4], steps.x[14]], [15, 1, 3]);
  const lossOfEpoch = steps.y.slice(0, 5).reduce((sum, loss) => sum + loss / 5, 0);
  assert.ok(Math.abs(lossOfEpoch - run.history[0].trainLoss) < 1e-9);
  assert.ok(plots[0].data[0].x.length < 5, "the curve begins within the first epoch");
  assert.ok("image/png" in messages.at(-1)!.data);
});

test("trainLive() stops within a step of an interrupt, says so, and goes on with the same result when it is run again", async () => {
  const steps: string[] = [];
  const first = kernel((text) => /· training/.test(text) && steps.push(text) === 8);
  await assert.rejects(cell("interrupted"), /interrupted/);
  assert.equal(steps.length, 8);
  assert.match(
    textsOf(first).at(-1)!,
    /^■ training: 8 of 15 steps in .* · stopped; run again, it goes on after epoch 1$/,
  );
  const second = kernel();
  const resumed = await cell("interrupted");
  assert.match(textsOf(second)[0], /6 of 15 steps/);
  const whole = await (kernel(), cell("whole"));
  const losses = ({ history }: typeof whole) => history.map(({ trainLoss, testLoss }) => [trainLoss, testLoss]);
  assert.deepEqual(losses(resumed), losses(whole));
});

test("trainLive() keeps each training in a folder of its own unless it is told where", async () => {
  const before = process.cwd();
  process.chdir(FOLDER);
  try {
    for (const epochs of [1, 2, 1]) {
      kernel();
      await trainLive(SPEC, DATA, { ...CONFIG, epochs }, { test: TEST });
    }
    const names = readdirSync(path.join("data", "results"));
    assert.equal(names.length, 2);
    for (const name of names) assert.match(name, /^resnet8-w4-[0-9a-f]{8}$/);
  } finally {
    process.chdir(before);
  }
});
