// Tests of the kernel launcher (lib/jupyter) over a real kernel and Jupyter's own client.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Kernel, type Output, type Result } from "./jupyter/kernel";

const RESULTS = path.resolve("data/results"); // git-ignored; modules have to lie below the project root
const SIGNAL = `(globalThis as any)[Symbol.for("nontrivial.signal")]`;

function errorOf(result: Result): Output {
  const errors = result.outputs.filter((output) => output.type === "error");
  assert.equal(errors.length, 1, `expected one error but found ${JSON.stringify(result.outputs)}`);
  assert.equal(result.reply.status, "error");
  assert.equal(result.reply.ename, errors[0].ename);
  return errors[0];
}

const statuses = (results: Result[]): string[] => results.map((result) => result.reply.status);
const texts = (results: Result[]): string[] => results.map((result) => result.text);

describe("the kernel", { timeout: 300_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "kernel-test-"));
  fs.mkdirSync(RESULTS, { recursive: true });
  const modules = fs.mkdtempSync(path.join(RESULTS, "kernel-test-"));
  let kernel: Kernel;
  before(() => void (kernel = new Kernel(folder)));
  after(async () => {
    await kernel.end();
    fs.rmSync(modules, { recursive: true });
    fs.rmSync(folder, { recursive: true });
  });

  test("works in the project root, whatever folder the notebook is in", async () => {
    const result = await kernel.run(`console.log(process.cwd())`);
    assert.equal(result.text, `${process.cwd()}\n`);
  });

  test("names the TypeScript version in use", async () => {
    const { language_info } = await kernel.ask<{ language_info: { version: string } }>("information");
    const { text } = await kernel.run(`import { versions } from "tslab";\nconsole.log(versions.typescript);`);
    assert.equal(`${language_info.version}\n`, text);
    assert.match(text, /^5\.\d+\.\d+\n$/);
  });

  test("lets operators keep their names, those of a cell as those of lib", async () => {
    const cell = `import { operatorName, zero } from "./lib/ablations/ablate";
      import { mean, noise } from "./lib/ablations/operators";
      const halve = ({ shape, data }: any) => ({ shape, data: data.map((weight: number) => weight / 2) });`;
    const print = `console.log([zero, mean, noise(0.5), halve, ({ shape, data }: any) => ({ shape, data })].map(operatorName).join());`;
    const [, { text }] = await kernel.runAll([cell, print]);
    assert.equal(text, "zero,mean,noise:0.5,halve,an unnamed operator\n");
  });

  test("delivers 100,000 printed lines complete and in order", async () => {
    const result = await kernel.run(`for (let i = 0; i < 100_000; i++) console.log("line " + i);`);
    const lines = result.text.split("\n");
    assert.equal(lines.length, 100_001);
    assert.ok(lines.slice(0, -1).every((line, i) => line === `line ${i}`));
    assert.equal(result.reply.status, "ok");
    console.log(`100,000 lines in ${result.seconds.toFixed(1)} s`);
  });

  test("delivers 2,000 displays and prints of one tick in order", async () => {
    const code = `import { display } from "tslab";\nfor (let i = 0; i < 2000; i++) { console.log(i); display.text("shown "); }`;
    const { order, outputs } = await kernel.run(code);
    assert.equal(outputs.filter((output) => output.type === "display_data").length, 2000);
    assert.equal(order, Array.from({ length: 2000 }, (_, i) => `${i}\nshown `).join(""));
  });

  test("streams the output of a busy synchronous cell while it runs", async () => {
    const code = `for (let i = 0; i < 3; i++) { const end = Date.now() + 300; while (Date.now() < end); console.log(i); }`;
    const { times, seconds } = await kernel.run(code);
    assert.ok(seconds - times[0] > 0.5, `first line after ${times[0]} s, end after ${seconds} s`);
  });

  test("shows a last expression as what it is: a run's card, rows as a table, a figure; nested JSON and typed arrays short", async () => {
    const last = async (code: string) => {
      const { outputs } = await kernel.run(code);
      const { data } = outputs.find(({ type }) => type === "execute_result")!;
      return data as Record<string, string>;
    };
    await kernel.run(
      `import { loadRun, historyFigure } from "./lib";\nconst shown = await loadRun("data/runs/resnet8-seed1");`,
    );
    assert.match((await last("shown"))["text/html"], /85\.75 %.*alt="stem: one convolution/s);
    assert.match((await last(`[{ layer: "a", cost: 1 }, { layer: "b", cost: 2 }]`))["text/html"], /<table/);
    assert.ok("application/vnd.plotly.v1+json" in (await last("historyFigure(shown.history)")));
    await kernel.run(
      `import { firstImages, loadCifar, sweepLive } from "./lib";\nconst few = firstImages(await loadCifar("cifar10", "test"), 10);`,
    );
    const live = await kernel.run(
      "const again = await sweepLive(shown.network, few, { results: false, figure: false });\nagain",
    );
    assert.deepEqual(
      live.outputs.filter(({ type }) => type === "execute_result"),
      [],
      "what a cell has shown is not shown twice",
    );
    assert.match((await last("again"))["text/html"], /<th[^>]*>verdict</);
    assert.deepEqual(await last("({ a: { b: 1 } })"), { "text/plain": "{ a: { b: 1 } }" });
    assert.deepEqual(await last("new Float32Array(2)"), { "text/plain": "Float32Array(2) [ 0, 0 ]" });
  });

  test("shows a last expression that displays itself as a rich execute_result, others as text", async () => {
    const rich = `({ async [Symbol.for("Jupyter.display")]() { return { "text/html": "<b>bold</b>", "text/plain": "bold" }; } })`;
    const [html, text] = await kernel.runAll([rich, `[1, 2]`]);
    assert.deepEqual(html.outputs.at(-1)?.data, { "text/html": "<b>bold</b>", "text/plain": "bold" });
    assert.deepEqual(
      [text.outputs.at(-1)?.type, text.outputs.at(-1)?.data],
      ["execute_result", { "text/plain": "[ 1, 2 ]" }],
    );
    assert.equal(html.text + text.text, "");
  });

  test("fails a cell whose result has no JSON form, and goes on", async () => {
    const result = await kernel.run(`({ [Symbol.for("Jupyter.display")]: () => ({ "application/json": 1n }) })`);
    assert.match(errorOf(result).evalue!, /BigInt/);
    assert.equal((await kernel.run(`console.log("next")`)).text, "next\n");
  });

  test("aborts what was queued behind an error, and runs the next request", async () => {
    const results = await kernel.runAll([
      `1`,
      `throw new Error("second")`,
      `console.log("third")`,
      `console.log("fourth")`,
    ]);
    assert.deepEqual(statuses(results), ["ok", "error", "aborted", "aborted"]);
    assert.equal(results[2].text + results[3].text, "");
    const next = await kernel.run(`console.log("next")`);
    assert.equal(next.text, "next\n");
    assert.equal(next.reply.execution_count, results[1].reply.execution_count! + 1);
  });

  test("aborts what was queued behind an asynchronous error too", async () => {
    const failing = `await new Promise((resolve) => setTimeout(resolve, 200)); throw new Error("late")`;
    const results = await kernel.runAll([failing, `console.log("queued")`]);
    assert.deepEqual(statuses(results), ["error", "aborted"]);
  });

  test("runs what was queued behind an error when the request says so", async () => {
    const results = await kernel.runAll([`throw new Error("tolerated")`, `console.log("second")`], {
      stop_on_error: false,
    });
    assert.deepEqual(statuses(results), ["error", "ok"]);
    assert.equal(results[1].text, "second\n");
  });

  test("knows the names of earlier cells also where an object takes them in short form", async () => {
    const [, , shown, wrong] = await kernel.runAll([
      `import { percent } from "./lib/text/format";\nconst [one, two] = [1, 2];`,
      `const object = { one, inner: { two }, percent };`,
      `console.log(object.one, object.inner.two, object.percent(0.5));`,
      `const short = { one }, missing = two.length;`,
    ]);
    const { outputs } = await kernel.run(`const first = 1;\nconst fails = { one, thrown: (null as any).length };`);
    assert.match(outputs.at(-1)!.traceback!.join("\n"), /line 2/);
    assert.equal(shown.text, "1 2 50.00\n");
    assert.match(wrong.outputs.at(-1)!.traceback![0], /line 1, column 38: Property 'length'/);
  });

  test("runs loops over variables of its own and of earlier cells as fast as a function does", async () => {
    const loop = (sum: string) => `for (let i = 0; i < 3e6; i++) ${sum} += i;`;
    const timed = (code: string) => `began = performance.now(); ${code} times.push(performance.now() - began);`;
    const inside = `(() => { let sum = 0; ${loop("sum")} return sum; })();`;
    const results = await kernel.runAll([
      `let began = 0; let earlier = 0; const times: number[] = [];`,
      `let own = 0; ${timed(inside)} ${timed(loop("own"))} ${timed(loop("earlier"))}`,
      `await null; own = 0; ${timed(loop("own"))}`,
      `console.log(own, earlier, times.join());`,
    ]);
    assert.deepEqual(statuses(results), ["ok", "ok", "ok", "ok"], JSON.stringify(results[1].outputs));
    const [own, earlier, times] = results[3].text.split(" ");
    assert.deepEqual([own, earlier], ["4499998500000", "4499998500000"]);
    const [reference, ...others] = times.split(",").map(Number);
    for (const time of others)
      assert.ok(time < 20 * reference + 100, `${time} ms, where a function takes ${reference} ms`);
  });

  test("knows a variable in every cell by its latest value, however it got it", async () => {
    const results = await kernel.runAll([
      `let count = 1; let [first, { second }] = [1, { second: 2 }]; enum Kind { A, B } class Point { at = count; }
       function read() { return [count, first, second]; }
       const list = [1, 2, 3];`,
      `const other = () => count;
       count += 1; count++; --count; [first, second] = [second, first]; for (first of list); ({ second } = { second: 7 });
       console.log(count, first, second, Kind[Kind.B], new Point().at, typeof count, other());`,
      `let count = 10; const exported = ((exports: { count: number }) => exports.count)({ count: 5 });
       count *= 2; console.log(count, other(), exported);`,
      `import { sep as first, sep as second } from "node:path"; console.log(first, second, count, other());`,
      `console.log(first, \`\${second}\`, [other].map((each) => each()).join());`,
      `(other as any) = 3;`,
      `other();`,
    ]);
    assert.deepEqual(texts(results).slice(1, 5), ["2 3 7 B 1 number 2\n", "20 20 5\n", "/ / 20 20\n", "/ / 20\n"]);
    assert.equal(errorOf(results[6]).evalue, "other is not a function");
  });

  test("runs a cell whose only waiting is a `for await` loop", async () => {
    const results = await kernel.runAll([
      `async function* count() { for (let i = 1; i <= 3; i++) yield i; }\nlet sum = 0;`,
      `for await (const i of count()) sum += i;`,
      `console.log(sum);`,
    ]);
    assert.equal(results[2].text, "6\n");
  });

  test("names line and cause of a type error", async () => {
    const result = await kernel.run(`const fine = 1;\nconst layers: number = "three";`);
    const { ename, evalue, traceback } = errorOf(result);
    assert.equal(ename, "TypeScript");
    assert.equal(evalue, "cell:2:7 - Type 'string' is not assignable to type 'number'.");
    assert.match(traceback!.join("\n"), /line 2.*\n {2}const layers: number = "three";\n {8}\^/);
    assert.equal(result.text, "");
  });

  test("names the cell's own line of a thrown error, and its cause, without frames of the kernel", async () => {
    const code = [
      `interface Unused { size: number }`,
      ``,
      `function fail(count: number): never {`,
      `  throw new RangeError("too many: " + count, { cause: new Error("inner") });`,
      `}`,
    ];
    const { reply } = await kernel.run(code.join("\n"));
    const result = await kernel.run(`\nfail(3);`);
    const { ename, evalue, traceback } = errorOf(result);
    assert.deepEqual([ename, evalue], ["RangeError", "too many: 3"]);
    const text = traceback!.join("\n");
    assert.match(text, new RegExp(`cell ${reply.execution_count}, line 4`));
    assert.match(text, new RegExp(`cell ${result.reply.execution_count}, line 2`));
    assert.match(text, /Caused by:\nError: inner/);
    assert.doesNotMatch(text, /node:|tslab|kernel\.cjs|runner\.cjs/);
    assert.equal(result.text, "");
  });

  test("says what to do instead where a cell has habits of other notebooks, wrong paths or packages that are not there", async () => {
    const hints: [code: string, hint: RegExp][] = [
      [`%timeit 1 + 1`, /no magics/],
      [`const one = 1;\n!ls "-l"`, /no shell of its own: `.*execSync\("ls \\"-l\\"", /],
      [`one?`, /press Shift-Tab/],
      [`?one`, /press Shift-Tab/],
      [`import { sweep } from "../lib";`, /paths start in the checkout, .*; here "\.\/lib"\./],
      [
        `require("node:fs").readFileSync("../data/README.md");`,
        /paths start in the checkout, .*; here "\.\/data\/README\.md"/,
      ],
      [`import map from "@not-there/lodash/map";`, /`npm install @not-there\/lodash`/],
      [`require("not-there-either/map");`, /`npm install not-there-either`/],
    ];
    for (const [code, hint] of hints) {
      const { traceback } = errorOf(await kernel.run(code));
      assert.match(traceback!.filter((line) => line.startsWith("Hint: ")).join() || traceback!.join("\n"), hint, code);
    }
    const inside = path.join(modules, "inside.ts");
    fs.writeFileSync(inside, `import { nothing } from "../nothing";\nexport const inside = nothing;\n`);
    const { traceback } = errorOf(
      await kernel.run(`import { inside } from "./${path.relative(".", modules)}/inside";`),
    );
    assert.doesNotMatch(traceback!.join("\n"), /Hint/, "paths of a file start at the file");
  });

  test("asks whether `await` was forgotten where the last expression is a promise, and does not wait for it", async () => {
    const [pending, promised] = await kernel.runAll([`new Promise(() => {})`, `await Promise.resolve("text")`]);
    const shown = ({ outputs }: Result) => outputs.at(-1)!.data!["text/plain"];
    assert.equal(shown(pending), "Promise { <pending> }\ndid you forget `await` before it?");
    assert.equal(shown(promised), "text");
  });

  test("fails the cell with a thrown value that is no error", async () => {
    assert.equal(errorOf(await kernel.run(`throw "a text"`)).evalue, "'a text'");
  });

  test("fails the cell whose rejected promise nobody awaited", async () => {
    const result = await kernel.run(`Promise.reject(new Error("nobody awaited this"));\nconsole.log("printed");`);
    assert.equal(errorOf(result).evalue, "nobody awaited this");
    assert.equal(result.text, "printed\n");
  });

  test("fails the cell during which a timer throws, without waiting for the cell to end", async () => {
    const code = `setTimeout(() => { throw new Error("in a timer"); }, 50);\nawait new Promise((resolve) => setTimeout(resolve, 20_000));`;
    const result = await kernel.run(code);
    assert.equal(errorOf(result).evalue, "in a timer");
    assert.ok(result.seconds < 5);
  });

  test("stops an asynchronous loop that looks at the signal, and goes on", async () => {
    const code = `
      const state = { steps: 0 };
      const signal: AbortSignal = ${SIGNAL};
      for (;;) {
        signal.throwIfAborted();
        if (++state.steps === 10) console.log("ready");
        (globalThis as any).steps = state.steps;
        await new Promise((resolve) => setImmediate(resolve));
      }`;
    const result = await kernel.run(code, { interrupt_on: "ready" });
    assert.equal(errorOf(result).ename, "Interrupted");
    assert.ok(result.stopped! < 1, `stopped after ${result.stopped} s`);
    const steps = async () => (await kernel.run(`console.log((globalThis as any).steps)`)).text;
    const first = await steps();
    assert.ok(Number(first) > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(await steps(), first, "the loop still runs");
  });

  test("stops a synchronous loop", async () => {
    const result = await kernel.run(`console.log("ready"); for (;;);`, { interrupt_on: "ready" });
    assert.equal(errorOf(result).ename, "Interrupted");
    assert.ok(result.stopped! < 1, `stopped after ${result.stopped} s`);
  });

  test("reports a cell that ignores the signal as interrupted, and says that it may go on", async () => {
    const code = `await null; console.log("ready"); await new Promise((resolve) => setTimeout(resolve, 20_000));`;
    const result = await kernel.run(code, { interrupt_on: "ready" });
    assert.match(errorOf(result).evalue!, /interrupted.*may go on/);
    assert.ok(result.stopped! < 1, `stopped after ${result.stopped} s`);
  });

  test("gives each cell a signal of its own", async () => {
    assert.equal((await kernel.run(`console.log(${SIGNAL}.aborted)`)).text, "false\n");
  });

  test("loses nothing of 400 cells that use TensorFlow", async () => {
    // Not `import`: type-checking TensorFlow's declarations would cost each cell 0.1 s.
    const first = await kernel.run(`const native = require("@tensorflow/tfjs-node");`);
    const cells = Array.from({ length: 400 }, (_, i) => `console.log(native.scalar(${i}).add(1).dataSync()[0])`);
    const results = await kernel.runAll(cells);
    assert.deepEqual(
      texts(results),
      cells.map((_, i) => `${i + 1}\n`),
    );
    const counts = results.map((result) => result.reply.execution_count);
    assert.deepEqual(
      counts,
      cells.map((_, i) => first.reply.execution_count! + 1 + i),
    );
    console.log(`400 TensorFlow cells in ${results[0].seconds.toFixed(1)} s`);
  });

  test("stops a loop of TensorFlow steps within a second, and goes on", async () => {
    const code = `
      import * as tf from "@tensorflow/tfjs-node";
      const signal: AbortSignal = ${SIGNAL};
      const x = tf.ones([1500, 1500]);
      for (let step = 0; ; step++) {
        signal.throwIfAborted();
        tf.tidy(() => { for (let i = 0; i < 3; i++) tf.matMul(x, x).dataSync(); });
        if (step === 1) console.log("ready");
        await new Promise((resolve) => setImmediate(resolve));
      }`;
    const result = await kernel.run(code, { interrupt_on: "ready" });
    assert.equal(errorOf(result).ename, "Interrupted");
    assert.ok(result.stopped! < 1, `stopped after ${result.stopped} s`);
    const next = await kernel.run(
      `import * as tf from "@tensorflow/tfjs-node";\nconsole.log(tf.add(1, 2).dataSync()[0]);`,
    );
    assert.equal(next.text, "3\n");
  });

  test("uses an edited file when its import is run again, also behind another import", async () => {
    const write = (value: number) =>
      fs.writeFileSync(path.join(modules, "inner.ts"), `export const inner = (): number => ${value};\n`);
    const outer = `import { inner } from "./inner";\nexport const outer = (): number => inner();\n`;
    fs.writeFileSync(path.join(modules, "outer.ts"), outer);
    for (const value of [1, 2, 3]) {
      write(value);
      const result = await kernel.run(
        `import { outer } from "./${path.relative(".", modules)}/outer";\nconsole.log(outer());`,
      );
      assert.equal(result.text, `${value}\n`);
    }
  });

  test("checks an edited file, names the line of its fault, and goes on when it is mended", async () => {
    const cell = `import { count } from "./${path.relative(".", modules)}/checked";\nconsole.log(count);`;
    for (const [value, wanted] of [
      ["1"],
      [`"one"`, /checked\.ts, line 2, column 14: Type 'string' is not/],
      ["2"],
    ] as const) {
      fs.writeFileSync(path.join(modules, "checked.ts"), `// a number\nexport const count: number = ${value};\n`);
      const result = await kernel.run(cell);
      if (wanted) assert.match(errorOf(result).traceback!.join("\n"), wanted);
      else assert.equal(result.text, `${value}\n`);
    }
  });

  test("says that it compiles many files, stops it when interrupted, and takes the word back when it is done", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `many${i}`);
    for (const name of names) fs.writeFileSync(path.join(modules, `${name}.ts`), `export const ${name} = 1;\n`);
    const folder = path.relative(".", modules);
    const cell = `${names.map((name) => `import { ${name} } from "./${folder}/${name}";`).join("\n")}\nconsole.log(${names.join(" + ")});`;
    const stopped = await kernel.run(cell, { interrupt_on: "Compiling 12 files" });
    assert.equal(errorOf(stopped).ename, "Interrupted");
    assert.ok(stopped.stopped! < 1, `stopped after ${stopped.stopped} s`);
    const { outputs, text } = await kernel.run(cell);
    assert.match(text, /^Compiling 12 files .*\n12\n$/);
    assert.deepEqual(
      outputs.map(({ type }) => type).filter((type) => type !== "execute_input"),
      ["clear_output"],
    );
    assert.equal((await kernel.run(cell)).text, "12\n");
  });

  test("goes on when files and packages appear, vanish and change while it runs, and finds what was not there before", async () => {
    const at = (name: string) => path.join(modules, name);
    const folder = path.relative(".", modules);
    const works = async () => assert.equal((await kernel.run("console.log(2 + 2);")).text, "4\n");
    const late = `import { late } from "./${folder}/late";\nconsole.log(late);`;
    assert.match(JSON.stringify(errorOf(await kernel.run(late))), /Cannot find module/);
    for (const name of ["first", "second", "late"]) fs.writeFileSync(at(`${name}.ts`), `export const ${name} = 1;\n`);
    assert.equal((await kernel.run(late)).text, "1\n", "a module that was looked for in vain, at once");
    await sleep(1500); // TypeScript gathers for a second what happens in folders
    await works();
    fs.mkdirSync(at("deeper"));
    fs.writeFileSync(at("deeper/other.ts"), "export const other = 3;\n");
    fs.rmSync(at("first.ts"));
    fs.writeFileSync(at("late.ts"), "export const late = 2;\n");
    await sleep(1500);
    await works();
    assert.equal((await kernel.run(late)).text, "2\n", "a module that was changed");
    const text = `import { other } from "./${folder}/deeper/other";\nconsole.log(other);`;
    assert.equal((await kernel.run(text)).text, "3\n", "a module in a new folder");
    fs.rmSync(at("late.ts"));
    fs.rmSync(at("deeper"), { recursive: true });
    await sleep(1500);
    await works();
    assert.match(JSON.stringify(errorOf(await kernel.run(late))), /Cannot find module/);
    await works();
  });

  test("imports, where it is asked with `await import`, also a module that awaits something at its top", async () => {
    fs.writeFileSync(path.join(modules, "awaits.mjs"), `export const late = await Promise.resolve("late");\n`);
    const name = `./${path.relative(".", modules)}/awaits.mjs`;
    const results = await kernel.runAll([
      `const loaded = await import("${name}");\nconsole.log(loaded.late);`,
      `const named = "${name}";\nconsole.log((await import(named)).late, (await import("./lib/text/format")).percent(0.5));`,
    ]);
    assert.deepEqual(texts(results), ["late\n", "late 50.00\n"], JSON.stringify(results[0].outputs));
  });

  test("names the line of an error in an imported file", async () => {
    const code = `interface Unused { a: number }\n\nexport function fails(): void {\n  throw new Error("in a file");\n}\n`;
    fs.writeFileSync(path.join(modules, "fails.ts"), code);
    const result = await kernel.run(`import { fails } from "./${path.relative(".", modules)}/fails";\nfails();`);
    assert.match(
      errorOf(result).traceback!.join("\n"),
      new RegExp(`at fails .*${path.basename(modules)}/fails\\.ts:4:`),
    );
  });

  test("finds the front door as ./lib, reloads it with what is behind it, and completes its names", async () => {
    const folder = `./${path.relative(".", modules)}`;
    const write = (value: number) =>
      fs.writeFileSync(path.join(modules, "behind.ts"), `export const behind = (): number => ${value};\n`);
    fs.writeFileSync(path.join(modules, "index.ts"), `export { behind } from "./behind";\n`);
    for (const value of [1, 2]) {
      write(value);
      const { text } = await kernel.run(`import { behind } from "${folder}";\nconsole.log(behind());`);
      assert.equal(text, `${value}\n`);
    }
    const { text, reply } = await kernel.run(
      `import * as lab from "./lib";\nconsole.log(lab.percent(0.5), typeof lab.operators.noise);`,
    );
    assert.equal(text, "50.00 function\n", JSON.stringify(reply));
    const { matches } = await kernel.ask<{ matches: string[] }>("complete", { code: "lab." });
    for (const name of ["loadCifar", "sweepLive", "operators", "show"]) assert.ok(matches.includes(name), name);
    assert.deepEqual((await kernel.ask<{ matches: string[] }>("complete", { code: "lab.loadC" })).matches, [
      "loadCifar",
    ]);
  });

  test("stops a live sweep, whose cell leaves what there is, and goes on when the cell is run again", async () => {
    const folder = path.relative(".", modules);
    const begin = `import { dropByLayer, firstImages, loadCifar, loadNetwork, sweepLive } from "./lib";
      const network = await loadNetwork("data/runs/resnet20-seed1");
      const few = firstImages(await loadCifar("cifar10", "test"), 400);`;
    const cell = `const live = await sweepLive(network, few, {
      results: "${folder}",
      figure: (rows) => (console.log("ready"), dropByLayer(rows)),
    });`;
    const print = `console.log(live.interrupted, live.rows.length, live.sweep.labels.length);`;
    assert.equal((await kernel.run(begin)).reply.status, "ok");
    const stopped = await kernel.run(cell, { interrupt_on: "ready" });
    assert.equal(stopped.reply.status, "ok", JSON.stringify(stopped.outputs));
    const [, interrupted, rows, images] = /^(true) (\d+) (\d+)\n$/.exec((await kernel.run(print)).text)!;
    assert.deepEqual([interrupted, rows], ["true", "19"]);
    assert.ok(Number(images) < 400);
    const [again, done] = await kernel.runAll([cell, print]);
    assert.match(
      String(again.outputs.find(({ data }) => data)!.data!["text/plain"]),
      new RegExp(`${Number(images) + 50} of 400 images`),
    );
    assert.equal(done.text, "false 19 400\n");
  });

  test("stops long work that was given no signal, whether or not its cell waits for it", async () => {
    const begin = `import { evaluate, firstImages, loadCifar, loadNetwork, sweep } from "./lib";
      const intact = await loadNetwork("data/runs/resnet20-seed1");
      const images = await loadCifar("cifar10", "test");
      const seen = { done: 0 };
      const onProgress = (done: number) => { if (seen.done === 0) console.log("ready"); seen.done = done; };`;
    assert.equal((await kernel.run(begin)).reply.status, "ok");
    const awaited = await kernel.run(`await sweep(intact, images, { onProgress });`, { interrupt_on: "ready" });
    assert.equal(errorOf(awaited).evalue, "The cell was interrupted");
    assert.ok(awaited.stopped! < 2, `stopped after ${awaited.stopped} s`);
    for (const call of ["sweep", "evaluate"]) {
      const reset = `seen.done = 0; const work = ${call}(intact, images, { onProgress, batch: 20 });\nwork.catch(() => {});`;
      await kernel.run(`${reset}\nawait new Promise((done) => setTimeout(done, 9000));`, { interrupt_on: "ready" });
      const done = async () =>
        (await kernel.run(`await new Promise((turn) => setTimeout(turn, 300)); console.log(seen.done);`)).text;
      const first = await done();
      assert.equal(await done(), first, `${call} still runs`);
    }
  });

  test("leaves quickly at shutdown in spite of a live timer", async () => {
    await kernel.run(`setInterval(() => 1, 10); undefined`);
    const seconds = await kernel.ask<number>("shutdown");
    assert.ok(seconds < 1, `took ${seconds} s`);
    console.log(`shutdown in ${seconds.toFixed(2)} s`);
  });
});

test(
  "a kernel weighs at most 450 MB after the front door's import, and loads TensorFlow when it is used",
  { timeout: 120_000 },
  async () => {
    const kernel = new Kernel(".");
    try {
      const loaded = `Object.keys(require.cache).some((file) => file.includes("@tensorflow"))`;
      const { text } = await kernel.run(
        `import { tf, sweepLive } from "./lib";\nconsole.log(typeof sweepLive, ${loaded}, process.memoryUsage().rss < 450e6);`,
      );
      assert.match(text, /function false true\n$/);
      const used = await kernel.run(
        `const two: tf.Scalar = tf.scalar(2);\nconsole.log(two.dataSync()[0], tf.getBackend());`,
      );
      assert.equal(used.text, "2 tensorflow\n");
    } finally {
      await kernel.end();
    }
  },
);
