// Temporary files and folders that killed processes left: gone at the next start, unless somebody may still use them.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { writeTogether } from "../lib/files/disk";
import { ownerTag, temporaryFolder, temporaryName } from "../lib/files/temporary";

const [pid, begin, numbering] = ownerTag().split("-");
const WEEK_AGO = new Date(Date.now() - 8 * 24 * 3600 * 1000);

test("writeTogether() clears what killed processes left in the folder, and nothing else", async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), "nontrivial-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const place = (name: string, made = new Date()) => {
    writeFileSync(path.join(dir, name), "");
    utimesSync(path.join(dir, name), made, made);
  };
  place(`a.4194999-5-${numbering}.tmp`); // no such process
  place(`a.${pid}-${Number(begin) - 1}-${numbering}.tmp`); // its number is another one's now
  place(`a.${pid}-${begin}-1.tmp`, WEEK_AGO); // another container's, long ago
  place(`a.${pid}.tmp`, WEEK_AGO); // as they were called before
  const kept = [`a.${pid}-${Number(begin) - 1}-1.tmp`, temporaryName("c"), "notes.tmp", `d.${pid}.tmp`];
  for (const name of kept) place(name);
  await writeTogether(dir, new Map([["b", new Uint8Array(1)]]));
  assert.deepEqual(readdirSync(dir).sort(), [...kept, "b"].sort());
});

test("temporaryFolder() clears the folders of killed processes", (t) => {
  const left = path.join(tmpdir(), `nontrivial-graph-4194999-5-${numbering}-abcdef`);
  const foreign = path.join(tmpdir(), `nontrivial-graph-4194999-5-1-abcdef`);
  for (const folder of [left, foreign]) mkdirSync(folder, { recursive: true });
  const [one, other] = [temporaryFolder("graph"), temporaryFolder("browser")];
  t.after(() => [foreign, one, other].forEach((folder) => rmSync(folder, { recursive: true, force: true })));
  assert.ok(!existsSync(left) && existsSync(foreign) && existsSync(one) && existsSync(other));
});
