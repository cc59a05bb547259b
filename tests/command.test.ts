// The command lines' common part: what an option gives, and help that answers at once.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import {
  defineCommand,
  type GivenTo,
  listOf,
  numberBelow,
  oneOf,
  positiveNumber,
  UsageError,
  wholeNumber,
} from "../lib/cli/command";
import { readOptions } from "../lib/cli/options.mjs";
import { visible } from "../lib/setup/visible.mjs";

const COMMAND = defineCommand({
  name: "try",
  summary: "Tries.",
  options: {
    out: { value: "FILE", help: "text" },
    dir: { value: "DIR", help: "a path", preset: "data/runs", isPath: true },
    seed: { value: "N", help: "a number with a preset", preset: "1", read: wholeNumber(0) },
    rate: { value: "X", help: "a number without", read: positiveNumber },
    share: { value: "X", help: "a number with a limit", read: numberBelow(100) },
    depths: { value: "LIST", help: "a list", preset: "20,56", read: listOf(wholeNumber()) },
    size: {
      value: "NAME",
      help: "a name",
      preset: "small",
      read: oneOf({ small: 1, large: 2 }, "Cannot take the size"),
    },
    fresh: { help: "a flag" },
  },
});

const read = (...words: string[]) => readOptions(COMMAND, words) as GivenTo<typeof COMMAND>;

test("options give what was read of them, presets where nothing was given, and false of a flag", () => {
  const given = read("--out", "x", "--rate", "0.5", "--size", "large");
  // These lines hold the types: `npm run check` refuses them where an option's type does not follow from the option.
  const [seed, rate, fresh]: [number, number | undefined, boolean] = [given.seed, given.rate, given.fresh];
  const [out, depths, size]: [string | undefined, number[], number] = [given.out, given.depths, given.size];
  assert.deepEqual([seed, rate, fresh, out, depths, size], [1, 0.5, false, "x", [20, 56], 2]);
  assert.deepEqual([read("--fresh").fresh, read("--seed", "0").seed, read().rate], [true, 0, undefined]);
});

test("what cannot be read is a mistake in usage that says what was expected", () => {
  const cases: [string[], RegExp][] = [
    [["--seed", "-1"], /Option '--seed' argument is ambiguous/],
    [["--seed", "1.5"], /Cannot read --seed "1\.5": expected a whole number of at least 0/],
    [["--rate", "0"], /Cannot read --rate "0": expected a number above 0/],
    [["--seed", "1e300"], /Cannot read --seed "1e300": expected a whole number from 0 to 9007199254740991/],
    [["--share", "200"], /Cannot read --share "200": expected a number between 0 and 100/],
    [["--depths", "20,x"], /Cannot read --depths "x": expected a whole number of at least 1/],
    [["--size", "toString"], /Cannot take the size "toString": expected small or large/],
    [["--sead", "1"], /Unknown option '--sead'\. Did you mean --seed\? Known options: --out, --dir, --seed, .*--help/],
    [["--frehs"], /Did you mean --fresh\?/],
    [["--nothing"], /Unknown option '--nothing'\. Known options/],
    [["more"], /Unexpected argument 'more'/],
  ];
  for (const [words, message] of cases)
    assert.throws(
      () => read(...words),
      (error: Error) => error instanceof UsageError && message.test(error.message),
    );
});

test("a command may take words of its own, an option that is given several times, and a letter for it", () => {
  const options = { parameter: { value: "NAME=VALUE", help: "text", short: "p", several: true } } as const;
  const taking = defineCommand({ name: "try", summary: "Tries.", words: "NAME", options });
  const given = readOptions(taking, ["04", "-p", "a=1", "--parameter", "b=2"]) as GivenTo<typeof taking>;
  assert.deepEqual(given, { words: ["04"], parameter: ["a=1", "b=2"] });
  assert.deepEqual(readOptions(taking, []), { words: [], parameter: [] });
});

test("a path starts where the user stands, a preset in the project's folder, and - is no path", (context) => {
  const { INIT_CWD } = process.env;
  context.after(() => (INIT_CWD === undefined ? delete process.env.INIT_CWD : (process.env.INIT_CWD = INIT_CWD)));
  process.env.INIT_CWD = "/somewhere/else";
  const dirOf = (...words: string[]) => read(...words).dir;
  assert.deepEqual(
    [dirOf(), dirOf("--dir", "../x"), dirOf("--dir", "/y"), dirOf("--dir", "-")],
    ["data/runs", "/somewhere/x", "/y", "-"],
  );
  assert.equal(read("--out", "x").out, "x");
  process.env.INIT_CWD = process.cwd();
  assert.equal(dirOf("--dir", "x"), "x");
});

test("visible() writes out control characters and marks of direction, and leaves lines and other letters", () => {
  assert.equal(visible("a\x1b[31m\u009b1m\x07\r\x7f"), "a\\u001b[31m\\u009b1m\\u0007\\u000d\\u007f");
  assert.equal(visible("\u202etxt\u2066\u200f\u061c\u2028"), "\\u202etxt\\u2066\\u200f\\u061c\\u2028");
  assert.equal(visible("two\n\tlines, Zoë 層 · █ ✓"), "two\n\tlines, Zoë 層 · █ ✓");
});

test("an error of a command that quotes a foreign name does not reach the terminal as commands", () => {
  const words = ["--import", "tsx", "lib/cli/sweep.ts", "--checkpoint", "no\x1b]0;title\x07\u009b2J\u202e"];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /"no\\u001b\]0;title\\u0007\\u009b2J\\u202e": .*in data\/runs there are .*resnet20-seed1/);
});

test("start.mjs runs a command from any folder, and answers --help without a TypeScript runtime", () => {
  const start = path.resolve("lib/cli/start.mjs");
  const { status, stderr } = spawnSync(process.execPath, [start, "lib/cli/sweep.ts", "--checkpoint", "nowhere"], {
    encoding: "utf8",
    cwd: tmpdir(),
    env: { ...process.env, npm_lifecycle_event: "" },
  });
  assert.equal(status, 1);
  assert.ok(stderr.includes(`Cannot load a network from "${path.resolve(tmpdir(), "nowhere")}"`), stderr);
  const words = ["--require", "./tests/without-engine.cjs", start, "lib/cli/sweep.ts", "--help"];
  const help = spawnSync(process.execPath, words, { encoding: "utf8" });
  assert.deepEqual([help.status, help.stderr], [0, ""]);
  assert.match(help.stdout, /^npm run sweep \[-- options\]/);
  assert.equal(
    help.stdout,
    spawnSync(process.execPath, ["--import", "tsx", ...words.slice(3)], { encoding: "utf8" }).stdout,
  );
});

const SCRIPTS = ["lib/cli/data.ts", "lib/cli/train.ts", "lib/cli/sweep.ts", "lib/cli/runs.ts", "lib/cli/export.ts"];

for (const script of [...SCRIPTS, "lib/cli/study.ts", "lib/cli/check.ts", "tests/bench/bench.ts"]) {
  test(`${script} answers --help without loading TensorFlow or a compiler`, () => {
    // As npm starts them.
    const start = script.startsWith("lib/") ? ["lib/cli/start.mjs"] : ["--import", "tsx"];
    const words = ["--require", "./tests/without-engine.cjs", ...start, script, "--help"];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^npm run \w+ \[-- options\]\n\n[A-Z].*\n[^]*\n {2}--help +this text\n$/);
  });
}
