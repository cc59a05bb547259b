// The pages' index: what a card takes of a notebook, and that nothing of a notebook becomes markup.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { cardOf, claimsIn, indexPage, type Notebook } from "../lib/pages/index-page";

const shown = (markdown: string) => ({
  cell_type: "code",
  source: "",
  outputs: [{ data: { "text/markdown": [markdown] } }],
});
const figure = { data: { "application/vnd.plotly.v1+json": {}, "image/png": "AAAA\nBBBB\n" } };

const NOTEBOOK: Notebook = {
  cells: [
    { cell_type: "markdown", source: ["# 99 A title\n", "\n", "> Does it *hold*?\n"] },
    { cell_type: "code", source: "", outputs: [{ data: { "image/png": "CCCC" } }, figure] },
    shown("No reading, though it says **bold**."),
    shown("**Reading.** All `x` are [there](a.ipynb). <!-- given: 3 (b) -->"),
  ],
};

test("a card shows a notebook's title, question, first reading and first figure, in plain words", () => {
  assert.deepEqual(cardOf({ name: "99_a", notebook: NOTEBOOK }), {
    ...{ name: "99_a", title: "99 A title", question: "Does it hold?", answer: "All x are there." },
    picture: "AAAABBBB",
  });
  const empty = cardOf({ name: "98_b", notebook: { cells: [] } });
  assert.deepEqual(empty, { name: "98_b", title: "98_b", question: "", answer: "" });
});

test("the claims are the rows of the table in the conclusions, without the line below its head", () => {
  const table = "## All claims\n\n| claim | holds? |\n|---|---|\n| C1 | no |\n";
  assert.deepEqual(claimsIn({ cells: [shown("| a |"), shown(table)] }), ["| claim | holds? |", "| C1 | no |"]);
  assert.deepEqual(claimsIn(NOTEBOOK), []);
  const committed = JSON.parse(readFileSync("notebooks/13_conclusions.ipynb", "utf8")) as Notebook;
  assert.deepEqual(
    claimsIn(committed).map((line) => line.slice(2, 7).trim()),
    ["claim", "C1 ma", "C2 ch", "C3 wh", "C4 wi", "C5 sh"],
  );
});

test("text of notebooks stays text on the page", () => {
  const hostile = `<script>alert("1")</script>`;
  const card = { name: `a"b`, title: hostile, question: hostile, answer: hostile };
  const page = indexPage({ cards: [card], claims: [`| ${hostile} | b |`, `| ${hostile} | d |`], source: hostile }, "");
  assert.doesNotMatch(page, /<script/);
  assert.match(page, /href="a%22b\.html"/);
  assert.equal(page.match(/&lt;script&gt;/g)?.length, 6);
});
