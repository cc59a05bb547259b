// `npm run reproduce`: set-up, then every main notebook from top to bottom, and a self-contained HTML of each.
import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { runCommand } from "./options.mjs";
import { executeNotebook, writeHtml } from "./reproduce/execute.mjs";
import { chooseNotebooks, withQuickParameters } from "./reproduce/notebooks.mjs";
import { onInterrupt, runChild } from "../setup/children.mjs";
import { childEnvironment, ROOT } from "../setup/environment.mjs";
import { setUp } from "../setup/main.mjs";
import { createReport, seconds } from "../setup/report.mjs";

const COMMAND = {
  name: "reproduce",
  summary: `Prepares this checkout (npm run setup), runs the main notebooks headless from top to bottom, and writes an HTML of each that
opens anywhere, offline. A notebook that fails stays as it was, and those after it are not run.`,
  options: {
    quick: {
      help: "the first 1,000 test images, in a couple of minutes; results go to figures/quick/ and change nothing else",
    },
    notebook: { value: "NAME", help: "only this one, such as 04 or 04_every_layer" },
  },
};

const report = createReport();
const start = performance.now();
const began = Date.now();

runCommand(COMMAND, async (given) => {
  if (!(await setUp({ report })) || !(await reproduce(given))) process.exitCode = 1;
});

async function reproduce({ quick, notebook }) {
  const stopListening = onInterrupt();
  try {
    const written = [];
    for (const name of chooseNotebooks(readdirSync(join(ROOT, "notebooks")), notebook))
      for (const file of await one(name, quick)) written.push(file);
    if (!quick && !notebook) for (const file of await pages()) written.push(file);
    conclude(written, quick);
    return true;
  } catch (error) {
    if (!error.interrupted) report.failed("Reproduce", { ...error, message: error.message, advice: undefined });
    return false;
  } finally {
    stopListening();
  }
}

async function one(name, quick) {
  const bare = name.replace(/\.ipynb$/, "");
  const target = join(ROOT, quick ? "figures/quick" : "notebooks", name);
  const folder = join(ROOT, quick ? "figures/quick" : "figures/html");
  let html;
  await report.work(bare, "starting the kernel,", async (say) => {
    const prepare = quick ? withQuickParameters : undefined;
    await executeNotebook({ root: ROOT, source: join(ROOT, "notebooks", name), target, prepare, say });
    say("writing its HTML,");
    html = await writeHtml({ root: ROOT, notebook: target, folder });
    return "executed";
  });
  return [html, target];
}

/** The index of all notebooks and the explorer, beside their pages. */
async function pages() {
  await report.work("pages", "writing index and explorer,", async () => {
    const words = ["--import", "tsx", "lib/cli/pages.ts"];
    await runChild(process.execPath, words, { cwd: ROOT, env: childEnvironment() });
    return "written";
  });
  return ["index.html", "explorer.html"].map((name) => join(ROOT, "figures/html", name));
}

function conclude(written, quick) {
  const pages = written.filter((file) => file.endsWith(".html"));
  const section = (title, files) =>
    files.length > 0 && report.print([title, ...files.map((file) => `  ${relative(ROOT, file)}`)].join("\n"));
  report.print(`\nDone in ${seconds((performance.now() - start) / 1000)}. Files to open:`);
  section("in a browser, offline:", pages);
  section(
    "in JupyterLab (npm run lab) or VS Code:",
    written.filter((file) => !pages.includes(file)),
  );
  section("figures:", newFigures(quick));
}

function newFigures(quick) {
  const folder = join(ROOT, quick ? "figures/quick" : "figures");
  const files = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && /\.(png|svg)$/.test(entry.name),
  );
  return files
    .map(({ name }) => join(folder, name))
    .filter((file) => statSync(file).mtimeMs >= began)
    .sort();
}
