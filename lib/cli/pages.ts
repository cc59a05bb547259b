// npm run pages: pages for people without a kernel, into figures/html.
import { loadCifar } from "../data/cifar";
import { startEngine } from "../engine/backend";
import { writeTogether } from "../files/disk";
import { explorerPage } from "../pages/explorer";
import { provenanceOf } from "../runs/provenance";
import { defineCommand, type GivenTo, print, runCommand } from "./command";

const COMMAND = defineCommand({
  name: "pages",
  summary:
    "Writes explorer.html, one offline page in which a reader without a kernel questions the kept sweeps: other margins, classes and\n" +
    "networks, which images a layer decides, two networks side by side.",
  options: {
    runs: { value: "DIR", help: "folder of the run folders", preset: "data/runs", isPath: true },
    published: { value: "DIR", help: "folder of what published networks say", preset: "data/published", isPath: true },
    out: { value: "DIR", help: "where the page goes", preset: "figures/html", isPath: true },
  },
});

async function pagesCommand({ runs, published, out }: GivenTo<typeof COMMAND>): Promise<void> {
  const { commit } = provenanceOf(await startEngine());
  const source = `Made of commit ${String(commit).slice(0, 7)} of nontrivial`;
  const page = await explorerPage(await loadCifar("cifar10", "test"), { runs, published, source });
  await writeTogether(out, new Map([["explorer.html", Buffer.from(page)]]));
  print(`${out}/explorer.html: ${(page.length / 1e6).toFixed(1)} MB, opens in any browser, offline`);
}

void runCommand(COMMAND, pagesCommand);
