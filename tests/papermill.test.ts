// `npm run notebook` and stock papermill: parameters of the right type, finished notebooks kept, failures left where they happened.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { UsageError } from "../lib/cli/command";
import { chosenNotebook, parametersText } from "../lib/cli/notebook/choice";
import { variantsOf } from "../lib/cli/notebook/parameters";
import { runNotebook } from "../lib/cli/notebook/run";
import { childEnvironment } from "../lib/setup/environment.mjs";

const PARAMETERS = Object.entries({ run: '"a"', images: "10_000", margin: "0.005", flag: "false", seeds: '["a"]' }).map(
  ([name, text]) => ({ name, text, comment: "" }),
);
const variants = (...words: string[]) => variantsOf(words, PARAMETERS);
const isUsage = (message: RegExp) => (error: Error) => error instanceof UsageError && message.test(error.message);

test("values of parameters are read as what their defaults are", () => {
  const [{ values, suffix }] = variants("run=20", "images=2_000", "margin=1e-3", "flag=true", 'seeds=["b","c"]');
  assert.deepEqual(values, { run: "20", images: 2000, margin: 0.001, flag: true, seeds: ["b", "c"] });
  assert.equal(suffix, "");
  for (const [word, message] of [
    ["imges=3", /there are run, images, margin, flag, seeds/],
    ["images", /expected NAME=VALUE/],
    ["images=many", /Cannot read images=many: expected a number, as its default 10_000 is/],
    ["flag=yes", /expected true or false/],
    ["seeds=b", /expected a list in JSON/],
    ["__proto__=3", /Cannot set the parameter/],
  ] as const)
    assert.throws(() => variants(word), isUsage(message));
});

test("several values of a parameter give a notebook each, with every value of the others", () => {
  const four = variants("images=1", "run=data/a", "images=2", "run=data/b");
  assert.deepEqual(
    four.map(({ values, suffix }) => [values.images, values.run, suffix]),
    [
      [1, "data/a", "-images-1-run-data-a"],
      [1, "data/b", "-images-1-run-data-b"],
      [2, "data/a", "-images-2-run-data-a"],
      [2, "data/b", "-images-2-run-data-b"],
    ],
  );
  assert.throws(() => variants("run=a/b", "run=a-b"), isUsage(/Cannot tell notebooks apart/));
});

test("parameters are listed with defaults and comments, as papermill lists them; a notebook without any is refused", () => {
  const text = parametersText(chosenNotebook("04"));
  assert.match(text, /^ {2}images {3}10_000 .* test images$/m);
  const script = `import json, nbformat, papermill, nontrivial_papermill as p
cells = nbformat.read("notebooks/04_every_layer.ipynb", 4).cells
found = p.TypeScript.inspect(next(cell for cell in cells if "parameters" in cell.metadata.get("tags", [])))
print(json.dumps([[each.name, each.default, each.help] for each in found]))`;
  const { stdout, stderr } = spawnSync("python", ["-c", script], { env: childEnvironment(), encoding: "utf8" });
  const { parameters } = chosenNotebook("04");
  assert.ok(stdout, stderr);
  assert.deepEqual(
    JSON.parse(stdout),
    parameters.map((each) => [each.name, each.text, each.comment]),
  );
  assert.throws(() => chosenNotebook("00"), isUsage(/none of its cells has the tag "parameters"/));
});

const cell = (source: string, ...tags: string[]) => ({
  ...{ cell_type: "code", execution_count: null, id: `c${source.length}`, metadata: { tags }, outputs: [], source },
});

/** A notebook of its own in a temporary folder, which it returns. */
function written(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "papermill-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const cells = [
    cell('const CONFIG = { images: 10, figures: "figures" };', "parameters"),
    cell("console.log(CONFIG.images, CONFIG.figures);"),
    cell('if (CONFIG.images > 10) throw new RangeError("too many");'),
  ];
  const kernelspec = { name: "tslab", display_name: "TypeScript", language: "typescript" };
  const notebook = { nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells };
  writeFileSync(join(folder, "mine.ipynb"), JSON.stringify(notebook));
  return folder;
}

test("stock papermill sets parameters, and the kernel refuses one that there is not", (context) => {
  const folder = written(context);
  const args = ["-m", "papermill", "mine.ipynb", "out.ipynb", "-p", "images", "3", "-p", "nosuch", "4"];
  const { status, stderr } = spawnSync("python", args, { cwd: folder, env: childEnvironment(), encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /'"nosuch"' does not exist in type 'Partial<\{ images: number; figures: string; \}>'/);
});

test("npm run notebook keeps what is finished, and leaves a failed notebook with its error", async (context) => {
  const folder = written(context);
  const out = join(folder, "out");
  const run = (...parameter: string[]) =>
    runNotebook(chosenNotebook(join(folder, "mine.ipynb")), { parameter, out, fresh: false });
  const said = (file: string) => readFileSync(join(out, file), "utf8");
  assert.equal(await run("images=3", "images=20"), false);
  assert.match(said("mine-images-3.ipynb"), /"3 \S*out\/figures\/mine-images-3\\n"/, "figures go beside the notebook");
  assert.match(said("mine-images-20.ipynb"), /"20 .*papermill-error-cell.*"evalue": "too many"/s);
  assert.deepEqual(readdirSync(out).sort(), ["mine-images-20.ipynb", "mine-images-3.ipynb"]);

  writeFileSync(join(out, "mine.ipynb"), said("mine-images-3.ipynb").replaceAll("mine-images-3", "mine"));
  const before = said("mine.ipynb");
  assert.equal(await run("images=3"), true);
  assert.equal(said("mine.ipynb"), before, "it was finished");
  await assert.rejects(run("images=4"), isUsage(/made with other parameters; --fresh replaces it/));
});
