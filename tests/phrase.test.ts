// Words about results: values in their digits and units, names that cannot act as markup, in Markdown and as plain text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { are, capital, counted, escapeMarkdown, howMany, ordinal, pp, pValue, spelled } from "../lib/text/format";
import { code, listed, phrase } from "../lib/text/phrase";

test("numbers are said as prose has them", () => {
  assert.deepEqual(
    [0.0668, -0.0031, -0.00001, 0].map((drop) => pp(drop)),
    ["6.68 pp", "−0.31 pp", "0.00 pp", "0.00 pp"],
  );
  assert.equal(pp(-0.4999, 0), "−50 pp");
  assert.deepEqual([0.3922, 0.006536, 0.1, 1, 0.0001, 0.00009, 0].map(pValue), [
    ...["p = 0.39", "p = 0.0065", "p = 0.10", "p = 1"],
    ...["p = 0.00010", "p < 0.0001", "p < 0.0001"],
  ]);
  assert.deepEqual([0, 1, 12, 13, 10_000].map(spelled), ["zero", "one", "twelve", "13", "10,000"]);
  assert.deepEqual([1, 9, 12, 13, 21, 22, 23, 111, 112, 1000].map(ordinal), [
    ...["first", "ninth", "twelfth", "13th", "21st", "22nd", "23rd", "111th", "112th", "1,000th"],
  ]);
});

test("counts agree with their nouns, and parts with their wholes", () => {
  assert.deepEqual(
    [0, 1, 2, 19].map((count) => counted(count, "layer")),
    ["no layer", "one layer", "two layers", "19 layers"],
  );
  assert.equal(counted(3, "half", "halves"), "three halves");
  assert.deepEqual(
    [0, 1, 7, 9].map((part) => howMany(part, 9)),
    [...["none of the nine", "one of the nine", "seven of the nine", "all nine"]],
  );
  assert.deepEqual([howMany(2, 2), howMany(1, 1), howMany(0, 0)], ["both", "one of the one", "none of the zero"]);
});

test("a count can begin a sentence and has its verb", () => {
  assert.deepEqual([capital("none of the 19"), capital("19"), capital("")], ["None of the 19", "19", ""]);
  assert.deepEqual([0, 1, 2].map(are), ["are", "is", "are"]);
});

test("phrase() sets values into Markdown and into plain text, and unfolds indented lines", () => {
  const said = phrase`**Reading.** ${code("stem.conv")} costs ${pp(0.5)},
      ${1234} images of ${-5}, ${phrase`*both* ${code("a")}`}.

      More.
    `;
  assert.equal(said.markdown, "**Reading.** `stem.conv` costs 50.00 pp, 1,234 images of −5, *both* `a`.\n\nMore.");
  assert.equal(said.text, "**Reading.** stem.conv costs 50.00 pp, 1,234 images of −5, *both* a.\n\nMore.");
});

test("phrase() keeps the lines of a table, and goes on behind a value at the end of a line", () => {
  assert.equal(
    phrase`| a |
|---|
| ${1} |

    And ${2}
    more.`.markdown,
    "| a |\n|---|\n| 1 |\n\nAnd 2 more.",
  );
});

test("phrase() refuses a number whose digits and unit nobody chose", () => {
  for (const value of [0.0668, NaN, Infinity])
    assert.throws(() => phrase`costs ${value}`, {
      name: "TypeError",
      message: new RegExp(`Cannot say ${value}: .*pp`),
    });
});

test("phrase() keeps declarations for the check out of sight", () => {
  const said = phrase`The 95 % interval. <!-- given: 95 (confidence) -->`;
  assert.equal(said.text, "The 95 % interval.");
  assert.match(said.markdown, /<!-- given/);
});

test("values cannot act as markup: HTML, links, pictures, formulas, tables, line breaks, turned writing", () => {
  const hostile = "<img src=x onerror=alert(1)> ![a](http://b) $x$ | **b** `c` \\ \n# d \u202e e's";
  const { markdown, text } = phrase`a ${hostile} b`;
  assert.equal(
    markdown,
    "a &lt;img src=x onerror=alert(1)&gt; \\!\\[a\\](http://b) \\$x\\$ \\| \\*\\*b\\*\\* \\`c\\` \\\\  \\# d   e&#39;s b",
  );
  assert.ok(!/[\n\u202e]/.test(text));
  assert.equal(escapeMarkdown("layer's"), "layer&#39;s");
});

test("code() holds any name: with backticks, with a line break, empty", () => {
  assert.equal(code("a`b").markdown, "``a`b``");
  assert.equal(code("`").markdown, "`` ` ``");
  assert.equal(code("a\n\n<b>").markdown, "`a <b>`");
  assert.equal(code("").markdown, "");
});

test("listed() joins with commas and an and", () => {
  const said = (...values: string[]) => listed(values.map(code));
  assert.deepEqual(said("a"), { markdown: "`a`", text: "a" });
  assert.equal(said("a", "b").markdown, "`a` and `b`");
  assert.equal(said("a", "b", "c").text, "a, b and c");
  assert.equal(listed([]).text, "none");
  assert.equal(listed([], "no layer").text, "no layer");
});
