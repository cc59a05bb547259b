// Prose against outputs: what counts as a number, where it may be shown, what may be declared, and that one changed digit is named.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Notebook, NotebookCell } from "../lib/cli/check/cells";
import { declarationsOf } from "../lib/cli/check/declarations";
import { quotedNumbers } from "../lib/cli/check/numbers";
import { PAGES, projectFaults } from "../lib/cli/check/project";
import { executionFaults, pageFaults, proseFaults } from "../lib/cli/check/prose";

const text = (source: string): NotebookCell => ({ cell_type: "markdown", source: source.split(/(?<=\n)/) });

function code(source: string, ...outputs: string[]): NotebookCell {
  const shown = outputs.map((output) => ({ output_type: "display_data", data: { "text/plain": [output] } }));
  return { cell_type: "code", source, execution_count: 1, outputs: shown };
}

const TABLE =
  "layer                drop pp  accuracy\nstage2.block3.conv2     6.68    0.9083\nstem.conv              80.83    0.1000";
const READING = "**Reading.** It costs 6.68 pp, the stem 81 pp; 90.83 % are right when nothing is changed.";
const faultsOf = (...cells: NotebookCell[]) => proseFaults("a.ipynb", { cells }, () => [164]);

test("prose that quotes what is shown above it passes, rounded to the digits quoted", () => {
  assert.deepEqual(faultsOf(code("run();", TABLE), text(READING)), []);
});

test("one digit changed in the prose is named, with notebook, place, sentence and the nearest number", () => {
  assert.deepEqual(faultsOf(code("run();", TABLE), text(READING.replace("6.68", "6.69"))), [
    'a.ipynb text below cell 1: 6.69 pp is shown nowhere above, the nearest is 6.68: "**Reading.** It costs 6.69 pp, the stem 81 pp; 90.83 % are right when nothing is changed."',
  ]);
  assert.match(
    faultsOf(code("run();", TABLE), text(READING.replace("81", "82"))).join(),
    /: 82 pp is .* nearest is 80.83/,
  );
});

test("one digit changed in an output is named", () => {
  for (const [digit, changed, wanted] of [
    ["6.68", "6.58", "6.68 pp"],
    ["80.83", "80.43", "81 pp"],
    ["0.9083", "0.9084", "90.83 %"],
  ])
    assert.match(
      faultsOf(code("run();", TABLE.replace(digit, changed)), text(READING)).join("\n"),
      new RegExp(`^a.ipynb text below cell 1: ${wanted} is shown nowhere above[^\n]*$`),
    );
});

test("a number is looked for above the prose, not below it", () => {
  const faults = faultsOf(text("It costs 6.68 pp."), code("run();", TABLE));
  assert.deepEqual(faults, [
    'a.ipynb text at the top: 6.68 pp is shown nowhere above, nothing is shown: "It costs 6.68 pp."',
  ]);
});

test("parameters, printed text, Markdown and the labels of figures show numbers too; their drawn values do not", () => {
  const figure = {
    data: [{ z: [[37.5]], text: ["at most 12.5 pp"] }],
    layout: { title: { text: "All 1,234 images" } },
  };
  const cell: NotebookCell = {
    ...code("const CONFIG = { margin: 0.005, images: 10_000 };"),
    outputs: [
      { output_type: "stream", text: ["mean 0.43", "1\n"] },
      { output_type: "display_data", data: { "text/markdown": "**Reading.** 17 layers." } },
      { output_type: "display_data", data: { "application/vnd.plotly.v1+json": figure } },
    ],
  };
  assert.deepEqual(faultsOf(cell, text("0.5 pp of 10,000, 43.1 % in 17; 12.5 pp of 1,234.")), []);
  assert.match(faultsOf(cell, text("It is 37.5 pp.")).join(), /37.5 pp is shown nowhere/);
});

test("counts have to be the same: 52.6 is not 53 images", () => {
  const shown = code("run();", "52.6");
  assert.deepEqual(faultsOf(shown, text("It costs 53 pp.")), []);
  assert.match(faultsOf(shown, text("It costs 53 images.")).join(), /53 is shown nowhere above, the nearest is 52.6/);
});

test("the words of say and phrase are prose: a number typed into them is looked for, one set in is not", () => {
  const saying = (typed: string) =>
    code(`say\`The least costs \${pp(least.drop)}, \${all ? phrase\`${typed}\` : "none"} of it.\`;`);
  assert.deepEqual(faultsOf(code("run();", TABLE), saying("6.68 pp")), []);
  assert.match(
    faultsOf(code("run();", TABLE), saying("6.67 pp")).join(),
    /^a.ipynb cell 2: 6.67 pp is shown nowhere above/,
  );
  assert.deepEqual(faultsOf(code("say`At 95 %. <!-- given: 95 (confidence) -->`;")), []);
});

test("given numbers pass with their source, and not without one, unread or unquoted", () => {
  const faults = (comment: string) =>
    faultsOf(text(`91.25 % after 164 epochs.\n\n<!-- given: ${comment} -->`)).join("\n");
  assert.equal(faults("91.25, 164 (He et al. 2015, Table 6)"), "");
  assert.equal(faults("91.25 % (He et al. 2015); 164 (the same)"), "");
  assert.match(faults("91.25 (He et al. 2015)"), /^[^\n]*: 164 is shown nowhere[^\n]*$/);
  assert.match(faults("91.26, 164 (He et al. 2015)"), /91.26 is declared as given but not quoted\n.*91.25 % is shown/);
  assert.match(faults("91.25, 164"), /Cannot read a declaration: expected "numbers \(source\)" but found "91.25, 164"/);
});

test("a text can name the file that shows its numbers", () => {
  assert.deepEqual(faultsOf(text("After 164 epochs. <!-- shown in: run.json -->")), []);
  assert.match(
    faultsOf(text("After 165 epochs. <!-- shown in: run.json -->")).join(),
    /165 is shown nowhere above, the nearest is 164/,
  );
});

test("names, references, versions, years, shapes, code, formulas and comments are no numbers", () => {
  const prose = `# 04 Every layer
    He et al. 2015 (arXiv 1512.03385), section 4.2, Table 6, claims C1–C5; ResNet-20, CIFAR-10, resnet20-B-seed1, plain20.
    \`conv1 = 7\`, stage2.block1.conv1, stages 2 and 3, seeds 1, 2 and 3, bfloat16, AVX-512, SHA-256, 6n+2, 32 × 32, 1x1, 3 x 3.
    Node.js 20.19+, npm 1.1.1, Python 3.11, TensorFlow 2.21, <https://a.b/10>, [text](c/11.md), $x_1 = 12$, 2026-11-26. <!-- 13 -->
1. first
\`\`\`sh
npm run 14
\`\`\``;
  assert.deepEqual(quotedNumbers(prose.replace(/\n {4}/g, "\n")), []);
});

test("quotedNumbers() reads thousands, percent, ordinals, fractions, exponents, and a unit said once at the end", () => {
  const read = (prose: string) =>
    quotedNumbers(prose).map(({ value, digits, unit }) => [value, digits, unit].join(" "));
  assert.deepEqual(read("9,083 of 10,000 are 90.83 %"), ["9083 0 ", "10000 0 ", "90.83 2 %"]);
  assert.deepEqual(read("ranks 9th and 12th; 1/153"), ["9 0 ", "12 0 ", "1 0 ", "153 0 "]);
  assert.deepEqual(read("14 to 17 %, 0.2, 0.27 million, 3 percentage points"), [
    ...["14 0 %", "17 0 %", "0.2 1 million", "0.27 2 million", "3 0 pp"],
  ]);
  assert.deepEqual(read("5e-4 and −0.31 pp"), ["0.0005 4 pp", "0.31 2 pp"]);
});

test("a notebook is kept as executed: numbered from 1, without gaps and errors", () => {
  const cells = (...counts: (number | null)[]) => counts.map((count) => ({ ...code("a;"), execution_count: count }));
  const faults = (...all: NotebookCell[]) => executionFaults("a.ipynb", { cells: all } as Notebook);
  assert.deepEqual(faults(text("# A"), ...cells(1, 2), { ...code(" "), execution_count: null }), []);
  assert.deepEqual(faults(...cells(1, 3, null)), [
    "a.ipynb cell 2: expected it executed as 2 but found 3",
    "a.ipynb cell 3: expected it executed as 3 but found none",
  ]);
  const failed = { ...code("a;"), outputs: [{ output_type: "error", ename: "RangeError", evalue: "too far" }] };
  assert.deepEqual(faults(failed), ["a.ipynb cell 1: it failed with RangeError: too far"]);
});

test("a page's paragraphs, lists and tables name what shows their numbers, each for itself", () => {
  const page = "The least costs 6.7 pp.\n<!-- shown in: a -->\n\n| a |\n|---|\n| 80.83 |\n\n```\n9 layers\n```\n";
  const numbersOf = (file: string) => {
    if (file !== "a") throw new Error(`there is no ${file}`);
    return [6.68, 80.83];
  };
  assert.deepEqual(pageFaults("README.md", page, numbersOf), [
    'README.md:4: 80.83 is shown nowhere above, nothing is shown: "80.83 |"',
  ]);
  assert.deepEqual(
    pageFaults("README.md", page.replace("80.83 |\n", "80.83 |\n<!-- measured: a bench -->\n"), numbersOf),
    [],
  );
  assert.deepEqual(pageFaults("README.md", "1 pp\n<!-- shown in: b -->", numbersOf), ["README.md:1: there is no b"]);
  assert.match(pageFaults("README.md", "1 pp\n<!-- measured: -->", numbersOf).join(), /found nothing/);
});

/** A project of one notebook and one page. */
function project(context: TestContext, page: string): () => string[] {
  const folder = mkdtempSync(join(tmpdir(), "prose-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const notebook = join(folder, "notebooks", "a.ipynb");
  mkdirSync(join(folder, "notebooks"));
  const more = { ...code("1;", "5.25"), execution_count: 2, id: "more" };
  writeFileSync(notebook, JSON.stringify({ cells: [{ ...code("run();", TABLE), id: "sweep" }, text(READING), more] }));
  writeFileSync(join(folder, "README.md"), page);
  return () => projectFaults(folder, [notebook], ["README.md"]);
}

test("projectFaults() holds a page against the notebook and the files that it names", (context) => {
  assert.deepEqual(project(context, "6.7 pp\n<!-- shown in: notebooks/a.ipynb -->\n")(), []);
  assert.match(
    project(context, "6.6 pp\n<!-- shown in: notebooks/a.ipynb -->\n")().join(),
    /README.md:1: 6.6 pp is shown/,
  );
  const inCell = (id: string) => project(context, `6.7 pp\n<!-- shown in: notebooks/a.ipynb#${id} -->\n`)().join();
  assert.equal(inCell("sweep"), "");
  assert.match(inCell("more"), /6.7 pp is shown nowhere above, the nearest is 5.25/);
  assert.deepEqual(project(context, "8 pp\n<!-- shown in: README.md -->\n")(), []);
  for (const name of ["../../etc/hostname", "notebooks/b.ipynb", "notebooks/a.ipynb#none"])
    assert.match(
      project(context, `8 pp\n<!-- shown in: ${name} -->\n`)().join(),
      /README.md:1: Cannot find what is "shown in/,
    );
});

test("projectFaults() names a notebook that code hosts would no longer show", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "prose-test-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "large.ipynb");
  const faultsAt = (bytes: number) => {
    const notebook = JSON.stringify({ cells: [] });
    writeFileSync(file, notebook.padEnd(bytes));
    return projectFaults(folder, [file], []);
  };
  assert.deepEqual(faultsAt(999_999), []);
  assert.deepEqual(faultsAt(1_000_000), [
    "large.ipynb: expected less than 1000000 bytes, which code hosts show, but found 1000000",
  ]);
});

test("declarationsOf() reads several files and sources", () => {
  const { given, shownIn, measured } = declarationsOf(
    "<!-- shown in: a.md, b.ipynb -->\n<!-- given: 1, 2.5 (the paper);\n3 (y, z) -->",
  );
  assert.deepEqual(
    given.map(({ value }) => value),
    [1, 2.5, 3],
  );
  assert.deepEqual([shownIn, measured], [["a.md", "b.ipynb"], false]);
});

test("the committed notebooks and pages quote what they show", () => {
  const notebooks = readdirSync("notebooks").filter((file) => file.endsWith(".ipynb"));
  assert.ok(notebooks.length >= 7);
  const files = notebooks.map((file) => join("notebooks", file));
  assert.deepEqual(projectFaults(".", files, PAGES), []);
});
