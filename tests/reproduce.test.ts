// `npm run reproduce`: which notebooks run, the quick parameters, and a real headless run that succeeds or fails whole.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test, type TestContext } from "node:test";
import { executeNotebook, writeHtml } from "../lib/cli/reproduce/execute.mjs";
import { parseNotebook, chooseNotebooks, withQuickParameters } from "../lib/cli/reproduce/notebooks.mjs";

const root = resolve(__dirname, "..");
const FILES = [
  "04_every_layer.ipynb",
  "draft.ipynb",
  "00_environment.ipynb",
  ".ipynb_checkpoints",
  "03_train.ipynb.1.in.tmp",
];

function cell(source: string, ...tags: string[]) {
  return { cell_type: "code", id: `c${source.length}`, execution_count: null, metadata: { tags }, outputs: [], source };
}

function notebook(cells: object[], metadata: object = {}) {
  return {
    cells,
    metadata: { kernelspec: { name: "tslab", display_name: "TypeScript" }, ...metadata },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/** Runs a notebook of these cells in place; returns what it left behind. */
async function execute(context: TestContext, cells: object[], options: { quick?: boolean; metadata?: object } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "reproduce-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "00_try.ipynb");
  const before = JSON.stringify(notebook(cells, options.metadata));
  writeFileSync(file, before);
  const said: string[] = [];
  const run = executeNotebook({
    root,
    source: file,
    target: file,
    prepare: options.quick ? withQuickParameters : undefined,
    say: (text: string) => said.push(text),
  });
  const error: Error | undefined = await run.then(
    () => undefined,
    (reason) => reason,
  );
  return { error, folder, file, before, after: readFileSync(file, "utf8"), said, left: readdirSync(folder) };
}

test("chooseNotebooks() takes the numbered notebooks in order, or one by its number, name or path", () => {
  assert.deepEqual(chooseNotebooks(FILES), ["00_environment.ipynb", "04_every_layer.ipynb"]);
  for (const name of ["04", "04_every_layer", "04_every_layer.ipynb", "notebooks/04_every_layer.ipynb"])
    assert.deepEqual(chooseNotebooks(FILES, name), ["04_every_layer.ipynb"]);
  assert.throws(
    () => chooseNotebooks(FILES, "05"),
    /Cannot find the notebook 05 .* found 00_environment, 04_every_layer/,
  );
  assert.throws(() => chooseNotebooks([]), /found none/);
});

const CONFIG = 'const CONFIG = {\n  images: 10_000, // test images\n  epochs: 3,\n  figures: "figures",\n};';

test("withQuickParameters() changes CONFIG right after the parameters, as the notebook itself declares", () => {
  const quick = withQuickParameters(
    notebook([cell("import"), cell(CONFIG, "parameters"), cell("rest")], { quick: { epochs: 1 } }),
  );
  assert.equal(quick.cells.length, 4);
  assert.match(
    quick.cells[2].source,
    /Object\.assign\(CONFIG, \{"images":1000,"figures":"figures\/quick","epochs":1\} satisfies Partial<typeof CONFIG>\);$/,
  );
  assert.deepEqual(quick.cells[2].metadata.tags, ["injected-parameters"]);
});

test("withQuickParameters() leaves a notebook without parameters alone, unless it declares quick ones", () => {
  const plain = notebook([cell("rest")]);
  assert.equal(withQuickParameters(plain), plain);
  assert.throws(
    () => withQuickParameters(notebook([cell("rest")], { quick: { epochs: 1 } })),
    /no cell has the tag "parameters"/,
  );
});

test("a headless run replaces the notebook by the executed one and leaves nothing else; its HTML needs no network", async (context) => {
  const { error, folder, file, after, said, left } = await execute(
    context,
    [
      cell('const CONFIG = { images: 10000, epochs: 3, figures: "figures" };', "parameters"),
      cell("console.log(JSON.stringify(CONFIG));\nconsole.log((globalThis as any)[Symbol.for('nontrivial.results')]);"),
    ],
    { quick: true, metadata: { quick: { epochs: 1 } } },
  );
  assert.equal(error, undefined);
  assert.match(after, /"{\\"images\\":1000,\\"epochs\\":1,\\"figures\\":\\"figures\/quick\\"}\\n"/);
  const results = /"(.*nontrivial-results-\w+)\\n"/.exec(after);
  assert.ok(results && !existsSync(results[1]), "what it computes is kept for the run alone");
  assert.doesNotMatch(after, /iopub|shell\.execute_reply/, "timestamps");
  assert.deepEqual(left, ["00_try.ipynb"]);
  assert.equal(said.at(-1), "cell 3 of 3,");
  const page = readFileSync(await writeHtml({ root, notebook: file, folder }), "utf8");
  assert.match(page, /<title>00_try/);
  assert.doesNotMatch(page, /<(script|link)[^>]+(src|href)="https?:/);
  assert.deepEqual(readdirSync(folder).sort(), ["00_try.html", "00_try.ipynb"]);
});

test("a failing cell is named with its source and error, and the notebook stays as it was", async (context) => {
  const cells = [cell("const a = 1;"), cell("throw new RangeError(`found ${a}, wanted 2`);"), cell("console.log(3);")];
  const { error, before, after, left } = await execute(context, cells);
  assert.match(
    error?.message ?? "",
    /^cell 2 of 00_try\.ipynb failed: RangeError: found 1, wanted 2\n {4}\| throw new RangeError/,
  );
  assert.equal(after, before);
  assert.deepEqual(left, ["00_try.ipynb"]);
});

test("a notebook for an unknown kernel, or one that is no notebook, fails with one clear line", async (context) => {
  const { error } = await execute(context, [cell("1")], { metadata: { kernelspec: { name: "nowhere" } } });
  assert.match(error?.message ?? "", /00_try\.ipynb could not be started: NoSuchKernel: No such kernel named nowhere/);
});

test("a malformed notebook gets one clear line, whatever is wrong with it", () => {
  const cells = (...list: unknown[]) => JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: list });
  const good = { cell_type: "markdown", metadata: {}, source: ["text"] };
  assert.equal(parseNotebook("a.ipynb", cells(good)).cells.length, 1);
  const wrong: [string, RegExp][] = [
    ["", /it is not JSON/],
    ["<<<<<<< HEAD\n{", /it is not JSON/],
    ["null", /expected nbformat 4/],
    [JSON.stringify({ nbformat: 3, metadata: {}, worksheets: [] }), /expected nbformat 4/],
    [cells(good, null), /cell 2 has no known type/],
    [cells({ ...good, cell_type: "heading" }), /cell 1 has no known type/],
    [cells({ cell_type: "markdown", metadata: {} }), /cell 1/],
    [cells({ cell_type: "code", metadata: {}, source: "1" }), /cell 1 .* no list of outputs/],
  ];
  for (const [text, message] of wrong)
    assert.throws(
      () => parseNotebook("a.ipynb", text),
      (error: Error) =>
        error.message.startsWith("Cannot read the notebook a.ipynb: ") &&
        message.test(error.message) &&
        !error.message.includes("\n"),
    );
});
