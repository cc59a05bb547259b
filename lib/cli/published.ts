// npm run published: fetches the networks of others that a notebook looks at, each verified, into a folder of its own.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openPublished, type Published, PUBLISHED, PUBLISHED_FOLDER } from "../checkpoints/published";
import { readWhole, writeTogether } from "../files/disk";
import { defineCommand, type GivenTo, print, runCommand } from "./command";
import { download } from "./data-sources";

const COMMAND = defineCommand({
  name: "published",
  summary:
    "Fetches four ResNets for CIFAR-10 that others trained (9 MB), verified by length and SHA-256; those that are there stay.\n" +
    "npm run sweep -- --all then sweeps them as well. Notebook 11 needs neither: it reads the sweeps that are committed.",
  options: {
    from: { value: "URL", help: "where the files lie", preset: PUBLISHED_FOLDER },
    dir: { value: "DIR", help: "a folder for each is made in it", preset: "data/published", isPath: true },
  },
});

async function publishedCommand({ from, dir }: GivenTo<typeof COMMAND>, signal: AbortSignal): Promise<void> {
  for (const each of PUBLISHED) {
    const found = isThere(join(dir, each.name), each) ? "found" : "fetched";
    if (found === "fetched") await fetchInto(join(dir, each.name), each, { from, signal });
    print(`${join(dir, each.name, each.file)}: ${found}, verified`);
  }
}

/** Whether the file is there and the right one. */
function isThere(dir: string, { file, bytes, sha256 }: Published): boolean {
  const path = join(dir, file);
  return existsSync(path) && createHash("sha256").update(readWhole(path, bytes)).digest("hex") === sha256;
}

/** How files are fetched. */
interface Fetching {
  readonly from: string;
  readonly signal: AbortSignal;
}

async function fetchInto(dir: string, each: Published, { from, signal }: Fetching): Promise<void> {
  const url = `${from.replace(/\/$/, "")}/${each.file}`;
  const content = await download(url, each.bytes, { signal });
  openPublished(each, content);
  await writeTogether(dir, new Map([[each.file, content]]));
}

void runCommand(COMMAND, publishedCommand);
