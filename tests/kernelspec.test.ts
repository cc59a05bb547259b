// npm run kernel: the kernelspec that other front ends find, and a client of another folder that starts it.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-kernelspec-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const SPEC = path.join(FOLDER, "kernels", "nontrivial");
const ENV = { ...process.env, JUPYTER_DATA_DIR: FOLDER, JUPYTER_PATH: "" };

function kernel(...words: string[]) {
  const command = ["lib/cli/kernel.mjs", ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: "utf8", env: ENV });
  return { status, text: stdout + stderr };
}

test("npm run kernel changes nothing unless it is asked to, and says what it found", () => {
  const { status, text } = kernel();
  assert.match(
    text,
    /Not known outside of npm run lab \(looked for .*nontrivial: there is none\); --install makes it so/,
  );
  assert.equal(status, 0);
  assert.ok(!existsSync(SPEC));
  assert.equal(kernel("--install", "--uninstall").status, 2);
});

test("an installed kernel is listed by Jupyter, and a client in another folder computes with lib/ by it", () => {
  assert.match(kernel("--install").text, /Known as "TypeScript \(nontrivial\)"/);
  const python = path.resolve(".venv", "bin", "python");
  const elsewhere = { cwd: FOLDER, env: ENV, encoding: "utf8" } as const;
  const listed = execFileSync(python, ["-m", "jupyter", "kernelspec", "list", "--json"], elsewhere);
  assert.ok("nontrivial" in (JSON.parse(listed) as { kernelspecs: object }).kernelspecs);
  const client = `
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="nontrivial")
code = 'import { layersOf, specOf } from "./lib"; console.log("layers", layersOf(specOf("resnet20")).length);'
client.execute_interactive(code, timeout=120)
manager.shutdown_kernel(now=True)`;
  assert.match(execFileSync(python, ["-c", client], elsewhere), /^layers 19$/m);
});

test("npm run kernel removes its own kernelspec alone", () => {
  assert.match(kernel("--uninstall").text, /there is none/);
  assert.ok(!existsSync(SPEC));
  mkdirSync(SPEC, { recursive: true });
  writeFileSync(path.join(SPEC, "kernel.json"), '{"argv": ["python"]}');
  for (const word of ["--install", "--uninstall"]) {
    const { status, text } = kernel(word);
    assert.match(text, /expected a kernelspec of this project but found another's/);
    assert.equal(status, 1);
  }
  assert.equal(readFileSync(path.join(SPEC, "kernel.json"), "utf8"), '{"argv": ["python"]}');
});
