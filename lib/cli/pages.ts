// npm run pages: pages for people without a kernel, into figures/html.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { loadCifar } from "../data/cifar";
import { startEngine } from "../engine/backend";
import { readWhole, writeTogether } from "../files/disk";
import { explorerPage } from "../pages/explorer";
import { cardOf, claimsIn, indexPage, type Named, type Notebook } from "../pages/index-page";
import { provenanceOf } from "../runs/provenance";
import { ROOT } from "../setup/environment.mjs";
import { defineCommand, type GivenTo, print, runCommand } from "./command";
import { writeHtml } from "./reproduce/execute.mjs";
import { chooseNotebooks, parseNotebook } from "./reproduce/notebooks.mjs";

const COMMAND = defineCommand({
  name: "pages",
  summary:
    "Writes pages for readers without a kernel, all offline: index.html with a card for each notebook, the notebooks as they were executed,\n" +
    "and explorer.html, which answers questions of the reader's own: other margins, classes and networks, which images a layer decides.",
  options: {
    notebooks: { value: "DIR", help: "executed notebooks", preset: "notebooks", isPath: true },
    runs: { value: "DIR", help: "folder of the run folders", preset: "data/runs", isPath: true },
    published: { value: "DIR", help: "folder of what published networks say", preset: "data/published", isPath: true },
    figures: {
      value: "DIR",
      help: "folder of the figure to take home, conclusions.png",
      preset: "figures",
      isPath: true,
    },
    out: { value: "DIR", help: "where the pages go", preset: "figures/html", isPath: true },
  },
});

const LARGEST = 2 ** 24;

async function pagesCommand({ notebooks, runs, published, figures, out }: GivenTo<typeof COMMAND>): Promise<void> {
  const { commit } = provenanceOf(await startEngine());
  const source = `Made of commit ${String(commit).slice(0, 7)} of nontrivial`;
  const explorer = await explorerPage(await loadCifar("cifar10", "test"), { runs, published, source });
  const index = indexPage(
    { ...contentOf(namedIn(notebooks), figures), source },
    styleOf("page.css") + styleOf("index-page.css"),
  );
  await writeTogether(out, new Map([["explorer.html", Buffer.from(explorer)], ["index.html", Buffer.from(index)]])); // prettier-ignore
  for (const file of filesIn(notebooks)) await writePage(file, out);
  print(`${join(out, "index.html")}: opens in any browser, offline`);
}

const filesIn = (dir: string): string[] => chooseNotebooks(readdirSync(dir)).map((name: string) => join(dir, name));

const namedIn = (dir: string): Named[] =>
  filesIn(dir).map((file) => {
    const text = Buffer.from(readWhole(file, LARGEST)).toString();
    return { name: basename(file, ".ipynb"), notebook: parseNotebook(basename(file), text) as Notebook };
  });

function contentOf(named: readonly Named[], figures: string) {
  const conclusions = named.find(({ name }) => name === "13_conclusions")?.notebook;
  const picture = join(figures, "conclusions.png");
  return {
    cards: named.map(cardOf),
    claims: conclusions ? claimsIn(conclusions) : [],
    ...(existsSync(picture) ? { takeHome: readFileSync(picture).toString("base64") } : {}),
  };
}

const styleOf = (name: string): string => readFileSync(join(__dirname, "..", "pages", name), "utf8");

/** The page of a notebook, where there is none yet of the notebook as it is. */
async function writePage(file: string, out: string): Promise<void> {
  const page = join(out, `${basename(file, ".ipynb")}.html`);
  if (existsSync(page) && statSync(page).mtimeMs > statSync(file).mtimeMs) return;
  await writeHtml({ root: ROOT, notebook: file, folder: out });
  print(page);
}

void runCommand(COMMAND, pagesCommand);
