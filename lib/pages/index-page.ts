// The way in for readers without a kernel: every notebook as a card with its picture, its question and its answer.
import { escapeHtml } from "../text/format";

/** What is read of an executed notebook. */
export interface Notebook {
  readonly cells: readonly {
    readonly cell_type: string;
    readonly source: string | readonly string[];
    readonly outputs?: readonly { readonly data?: Readonly<Record<string, unknown>> }[];
  }[];
}

/** A notebook by its name without ending. */
export interface Named {
  readonly name: string;
  readonly notebook: Notebook;
}

const textOf = (text: unknown): string => (Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "");

/** What a card shows of a notebook. */
export interface Card {
  readonly name: string;
  readonly title: string;
  readonly question: string;
  /** The first reading, without its Markdown; "" where there is none. */
  readonly answer: string;
  /** The first figure, PNG in base64; undefined where there is none. */
  readonly picture?: string;
}

/** The card of a notebook; what the notebook does not have, the card does not show. */
export function cardOf({ name, notebook }: Named): Card {
  const head = textOf(notebook.cells.find(({ cell_type }) => cell_type === "markdown")?.source);
  const outputs = notebook.cells.flatMap(({ outputs = [] }) => outputs.map(({ data = {} }) => data));
  const readings = outputs
    .map((data) => textOf(data["text/markdown"]))
    .filter((text) => /\*\*(Reading|Found)\.\*\*/.test(text));
  const figures = outputs
    .filter((data) => "application/vnd.plotly.v1+json" in data)
    .map((data) => textOf(data["image/png"]));
  const picture = figures.find(Boolean)?.replaceAll("\n", "");
  return {
    name,
    title: /^# (.+)$/m.exec(head)?.[1] ?? name,
    question: plain(/^> (.+)$/m.exec(head)?.[1] ?? ""),
    answer: plain(readings[0] ?? ""),
    ...(picture ? { picture } : {}),
  };
}

/** Markdown as plain words. */
const plain = (markdown: string): string =>
  markdown
    .replace(/<!--[^]*?-->/g, "")
    .replace(/\*\*(Reading|Found)\.\*\*/g, "")
    .replace(/[*`]|\\(?=[^\w\s])/g, "")
    .replace(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replace(/\s+/g, " ")
    .trim();

/** Everything that the page shows. */
export interface IndexContent {
  readonly cards: readonly Card[];
  /** The figure that a reader takes home, PNG in base64, and its claims as lines of a Markdown table. */
  readonly takeHome?: string;
  readonly claims: readonly string[];
  readonly source: string;
}

/** The rows of the last Markdown table below "All claims" in the outputs of a notebook, header first; none where there is no such table. */
export function claimsIn({ cells }: Notebook): string[] {
  const texts = cells.flatMap(({ outputs = [] }) => outputs.map(({ data = {} }) => textOf(data["text/markdown"])));
  const text = texts.find((each) => each.includes("## All claims")) ?? "";
  return text.split("\n").filter((line) => line.startsWith("|") && !/^\|[-| ]+\|$/.test(line));
}

/** The page as HTML, for `index.html` beside the notebooks' pages and the explorer. */
export function indexPage({ cards, takeHome, claims, source }: IndexContent, style: string): string {
  const [head, ...rows] = claims.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => escapeHtml(plain(cell))),
  );
  const table = head
    ? `<div class="scroll"><table><thead><tr>${head.map((cell) => `<th scope="col">${cell}</th>`).join("")}</tr></thead><tbody>${rows
        .map(
          ([claim, ...rest]) =>
            `<tr><th scope="row">${claim}</th>${rest.map((cell, index) => `<td data-head="${head[index + 1]}">${cell}</td>`).join("")}</tr>`,
        )
        .join("")}</tbody></table></div>`
    : "";
  const figure = takeHome
    ? `<img class="take-home" src="data:image/png;base64,${takeHome}" alt="What the loss of each layer costs, in residual networks from shallow to deep">`
    : "";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Is each layer non-trivial in a CNN?</title><style>${style}</style></head><body>
<header><h1>Is each layer non-trivial in a CNN?</h1>
<p class="small">Set one convolution of a trained network to zero, test again, and look: a reproduction of Wang, Zhu, Cui, Liang (AAAI-21 student abstract, arXiv 2009.09938).</p></header>
${figure}
<h2>What the paper claims, and what was found</h2>${table}
<p><a class="explorer" href="explorer.html">Ask the results yourself: the explorer</a></p>
<h2>The notebooks</h2><ul class="cards">${cards.map(cardHtml).join("")}</ul>
<footer class="small">${escapeHtml(source)}. Every page works offline.</footer></body></html>
`;
}

function cardHtml({ name, title, question, answer, picture }: Card): string {
  const shown = picture
    ? `<img src="data:image/png;base64,${picture}" alt="The first figure of ${escapeHtml(title)}" loading="lazy">`
    : "";
  return `<li><a href="${encodeURIComponent(name)}.html"><b>${escapeHtml(title)}</b></a>${shown}
<p>${escapeHtml(question)}</p><p class="small">${escapeHtml(answer)}</p></li>`;
}
