// The line of progress: fits a terminal, comes now and then in a pipe, and gives way to other lines.
import assert from "node:assert/strict";
import { test } from "node:test";
import { progressBar } from "../lib/cli/progress";
import { progressLine, type ProgressState } from "../lib/text/progress";

const NOTE = "worst stage2.block1.conv1 81.10 pp, best stem.conv 6.68 pp";
const STATE: ProgressState = {
  ...{ label: "resnet20-seed1", unit: "images", done: 4200, total: 10_000, first: 0, seconds: 7, note: NOTE },
};

/** Stands in for a terminal of some columns, or a pipe; its clock goes on by itself. */
function stream(columns?: number) {
  const written: string[] = [];
  const out = { isTTY: columns !== undefined, columns, write: (text: string) => void written.push(text) };
  let now = 0;
  return { written, options: { stream: out, clock: () => (now += 1000) } };
}

test("progressLine() says less in fewer columns, but from 40 on always the share, the count and the time left", () => {
  for (let columns = 40; columns < 200; columns++) assert.ok(progressLine(STATE, columns).length <= columns);
  assert.equal(progressLine(STATE, 200), progressLine(STATE));
  assert.match(
    progressLine(STATE),
    /^42 % · 9\.7 s left · 4,200 of 10,000 images · resnet20-seed1 · 600 images\/s · worst .* pp {2}█{10}░{14}$/,
  );
  assert.match(progressLine(STATE, 120), /^42 % · 9\.7 s left .* 600 images\/s · worst stage2\.bl.*…$/);
  assert.equal(progressLine(STATE, 60), "42 % · 9.7 s left · 4,200 of 10,000 images · resnet20-seed1");
  for (let columns = 40; columns < 200; columns++)
    assert.match(progressLine(STATE, columns), /^42 % · 9\.7 s left · 4,200 of 10,000( images)?( ·| {2}[█░]|$)/);
  const short = { ...STATE, label: "steps", unit: "", note: "" };
  assert.equal(progressLine(short, 40), "42 % · 9.7 s left · 4,200 of 10,000");
});

test("progressBar() changes one line in place on a terminal, and leaves one line with the note", () => {
  const { written, options } = stream(40);
  const bar = progressBar("training", "steps", options);
  bar.update(0, 20);
  bar.update(10, 20, "loss 2.3");
  bar.say("epoch 1: loss 2.3");
  bar.update(20, 20, "loss 1.2");
  bar.finish("loss 1.2");
  const [first, second, said, third, last] = written;
  for (const line of [first, second, third]) {
    assert.match(line, /^\r\x1b\[2K\d+ % · .*[^\n]$/); // eslint-disable-line no-control-regex
    assert.ok(line.length - 5 < 40);
  }
  assert.equal(said, "\r\x1b[2Kepoch 1: loss 2.3\n");
  assert.match(last, /^\r\x1b\[2K✓ training: 20 steps in \d\.0 s · .* steps\/s · loss 1\.2\n$/); // eslint-disable-line no-control-regex
  assert.equal(written.length, 5);
});

test("progressBar() writes a whole line every ten seconds to a pipe, and one at the end", () => {
  const { written, options } = stream();
  const bar = progressBar("resnet20", "images", options);
  for (let done = 0; done <= 25; done++) bar.update(done, 30);
  bar.finish();
  assert.equal(written.length, 4);
  for (const line of written) assert.match(line, /^[^\r]+\n$/);
  assert.match(written[3], /^■ resnet20: 25 of 30 images/);
});

test("progressBar() writes out what would steer the terminal, in names and notes", () => {
  const { written, options } = stream(120);
  const bar = progressBar("run\x1b[2J\u009b", "images", options);
  bar.update(1, 2, "\u202eevil\r");
  bar.say("\x07");
  bar.finish("\x9b1m");
  const text = written.join("").replaceAll("\r\x1b[2K", "");
  // eslint-disable-next-line no-control-regex
  assert.doesNotMatch(text, /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  assert.match(text, /run\\u001b\[2J\\u009b[^]*\\u202eevil\\u000d[^]*\\u0007/);
});

test("progressBar() says nothing about work that never began", () => {
  const { written, options } = stream(80);
  progressBar("choosing", "images", options).finish();
  assert.deepEqual(written, []);
});
