// Set-up: its decisions, its steps over a make-believe checkout, and what it does when it is interrupted or runs twice.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as choices from "../lib/setup/choices.mjs";
import { cudaFolders, environment } from "../lib/setup/environment.mjs";
import { engine } from "../lib/setup/engine.mjs";
import { adviceFor, findCommand } from "../lib/setup/children.mjs";
import { takeLock } from "../lib/setup/lock.mjs";
import { jupyter, python } from "../lib/setup/python.mjs";
import { readStamp, writeStamp } from "../lib/setup/stamp.mjs";
import { data, packages } from "../lib/setup/steps.mjs";

const root = resolve(__dirname, "..");
const REQUIREMENTS =
  "jupyterlab==4.6.6\n\n# comment\n#cpu: tensorflow-cpu==2.21.0\n#gpu: tensorflow[and-cuda]==2.21.0\n#study: snakemake==9.27.1\n";

function temporary(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "setup-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function put(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

test("supportsNode() wants require() of ES modules: 20.19 in 20.x, 22.12 in 22.x, and all later", () => {
  const good = ["20.19.0", "20.20.2", "22.12.0", "23.0.0", "24.21.0"];
  const bad = ["18.20.8", "20.18.3", "21.7.3", "22.11.0"];
  assert.deepEqual(good.filter(choices.supportsNode), good);
  assert.deepEqual(bad.filter(choices.supportsNode), []);
});

test("choosePython() takes the first recent Python that can make an environment", () => {
  const candidates = [
    { command: "python3.11", version: "3.11.2", ensurepip: false },
    { command: "python3.13", version: "3.13.0", ensurepip: true },
    { command: "python", version: "2.7.18", ensurepip: true },
  ];
  assert.equal(choices.choosePython(candidates).command, "python3.13");
});

test("choosePython() names Debian's package when only ensurepip is missing", () => {
  const candidates = [{ command: "python3", version: "3.11.2", ensurepip: false }];
  const expected = { message: /python3 \(3\.11\.2\).*"ensurepip"/, advice: /apt install python3\.11-venv/ };
  assert.throws(() => choices.choosePython(candidates), expected);
});

test("choosePython() says what it tried, found and wanted when every Python is too old", () => {
  const candidates = [{ command: "python3", version: "3.9.18", ensurepip: true }];
  assert.throws(() => choices.choosePython(candidates), /wanted Python 3\.11 or later, tried .*found python3 3\.9\.18/);
  assert.throws(() => choices.choosePython([]), /found none/);
});

test("parseRequirements() tells Jupyter's lines from the two TensorFlow wheels and a study's", () => {
  const expected = {
    jupyter: ["jupyterlab==4.6.6"],
    cpu: "tensorflow-cpu==2.21.0",
    gpu: "tensorflow[and-cuda]==2.21.0",
    study: ["snakemake==9.27.1"],
  };
  assert.deepEqual(choices.parseRequirements(REQUIREMENTS), expected);
  assert.throws(() => choices.parseRequirements("jupyterlab==4.6.6\n"), /no line "#cpu: <wheel>"/);
});

test("requirements.txt pins every package to one version", () => {
  const { jupyter: lines, ...wheels } = choices.parseRequirements(readFileSync(join(root, "requirements.txt"), "utf8"));
  for (const line of [...lines, wheels.cpu, wheels.gpu, ...wheels.study])
    assert.match(line, /^[\w[\]-]+==\d+(\.\d+)+$/);
});

test("wheelsToTry() takes the GPU wheel where there is a GPU, with the CPU wheel to fall back to", () => {
  assert.deepEqual(choices.wheelsToTry({ gpuFound: true }), ["gpu", "cpu"]);
  assert.deepEqual(choices.wheelsToTry({ gpuFound: false }), ["cpu"]);
});

test("wheelsToTry() obeys a flag, remembers it, and does not download a failed GPU wheel again by itself", () => {
  const failed = { flavor: "cpu", failed: "no space" } as const;
  assert.deepEqual(choices.wheelsToTry({ flag: "cpu", gpuFound: true }), ["cpu"]);
  assert.deepEqual(choices.wheelsToTry({ flag: "gpu", gpuFound: false }), ["gpu", "cpu"]);
  assert.deepEqual(choices.wheelsToTry({ gpuFound: true, last: { flavor: "cpu", flag: "cpu" } }), ["cpu"]);
  assert.deepEqual(choices.wheelsToTry({ gpuFound: false, last: { flavor: "gpu", flag: "gpu" } }), ["gpu", "cpu"]);
  assert.deepEqual(choices.wheelsToTry({ gpuFound: true, last: failed }), ["cpu"]);
  assert.deepEqual(choices.wheelsToTry({ flag: "gpu", gpuFound: true, last: failed }), ["gpu", "cpu"]);
  assert.deepEqual(choices.wheelsToTry({ gpuFound: true, last: { flavor: "cpu" } }), ["gpu", "cpu"]);
});

test("installArguments() takes wheels alone, and only those whose digest is in a list", () => {
  const list = "-r lib/setup/wheels/";
  assert.equal(
    choices.installArguments("cpu").join(" "),
    `install --require-hashes --only-binary :all: --no-deps ${list}cpu.txt`,
  );
  assert.equal(
    choices.installArguments("gpu").join(" "),
    `install --require-hashes --only-binary :all: ${list}gpu.txt`,
  );
});

test("the lists of wheels hold what requirements.txt asks for, every package at one version and with digests", () => {
  const found = choices.parseRequirements(readFileSync(join(root, "requirements.txt"), "utf8"));
  const { jupyter: lines, cpu, gpu, study } = found;
  const asked = { jupyter: lines, cpu: [cpu], gpu: [gpu.replace("[and-cuda]", "")], study };
  for (const [name, wanted] of Object.entries(asked)) {
    const text = readFileSync(join(root, choices.WHEELS, `${name}.txt`), "utf8");
    const packages = text.split(/\n(?=\w)/).slice(1);
    for (const each of packages) assert.match(each, /^[\w.-]+==[\w.]+( \\\n {4}--hash=sha256:[0-9a-f]{64})+\n?$/);
    for (const line of wanted)
      assert.ok(
        packages.some((each) => each.replaceAll("_", "-").startsWith(`${line} `)),
        `${line} in ${name}.txt`,
      );
  }
});

test("compilerArguments() links against the wheel's own folder and writes where it is told", () => {
  const args = choices.compilerArguments({
    modules: "/p/node_modules",
    tensorflow: "/w/tensorflow",
    output: "/p/x.tmp",
  });
  for (const wanted of ["-Wl,-rpath,/w/tensorflow", "-L/w/tensorflow", "-I/w/tensorflow/include", "-DNAPI_VERSION=8"])
    assert.ok(args.includes(wanted), wanted);
  assert.deepEqual(args.slice(-2), ["-o", "/p/x.tmp"]);
});

test("environment() finds the kernel, .venv and CUDA's libraries, and keeps what the user has set", () => {
  const base = { PATH: "/usr/bin", JUPYTER_PATH: "/mine", LD_LIBRARY_PATH: "/opt/lib", TF_CPP_MIN_LOG_LEVEL: "0" };
  const found = environment({ root: "/p", base, cuda: ["/n/cublas/lib", "/n/cudnn/lib"] });
  assert.equal(found.PATH, "/p/.venv/bin:/usr/bin");
  assert.equal(found.JUPYTER_PATH, "/p/lib/jupyter:/mine");
  assert.equal(found.JUPYTER_CONFIG_PATH, "/p/lib/jupyter");
  assert.equal(found.LD_LIBRARY_PATH, "/n/cublas/lib:/n/cudnn/lib:/opt/lib");
  assert.equal(found.TF_FORCE_GPU_ALLOW_GROWTH, "true");
  assert.equal(found.NVIDIA_TF32_OVERRIDE, "0", "float32 stays float32");
  assert.equal(found.TF_CPP_MIN_LOG_LEVEL, "0");
});

test("environment() leaves LD_LIBRARY_PATH alone without CUDA's libraries", () => {
  const found = environment({ root: "/p", base: { PATH: "/usr/bin" }, cuda: [] });
  assert.equal(found.LD_LIBRARY_PATH, undefined);
  assert.equal(found.TF_FORCE_GPU_ALLOW_GROWTH, undefined);
});

test("cudaFolders() lists nvidia/<part>/lib of a site-packages folder", (context) => {
  const folder = temporary(context);
  put(folder, {
    "nvidia/cudnn/lib/libcudnn.so.9": "",
    "nvidia/cublas/lib/libcublas.so.12": "",
    "nvidia/__init__.py": "",
  });
  assert.deepEqual(cudaFolders(folder), [join(folder, "nvidia/cublas/lib"), join(folder, "nvidia/cudnn/lib")]);
  assert.deepEqual(cudaFolders(join(folder, "nowhere")), []);
});

test("packagesAgree() sees a missing, another and an altered package, but not a missing optional one", () => {
  const wanted = {
    packages: { "": {}, a: { version: "1.0.0", integrity: "x" }, b: { version: "2.0.0", optional: true } },
  };
  assert.equal(choices.packagesAgree(wanted, { packages: { a: { version: "1.0.0", integrity: "x" } } }), true);
  assert.equal(choices.packagesAgree(wanted, { packages: { a: { version: "1.0.1", integrity: "x" } } }), false);
  assert.equal(choices.packagesAgree(wanted, { packages: { a: { version: "1.0.0", integrity: "y" } } }), false);
  assert.equal(choices.packagesAgree(wanted, { packages: {} }), false);
  assert.equal(choices.packagesAgree(wanted, undefined), false);
});

test("adviceFor() knows a full disk, a missing network and missing rights from what npm and pip print", () => {
  assert.match(adviceFor("OSError: [Errno 28] No space left on device"), /disk is full/);
  assert.match(adviceFor("getaddrinfo EAI_AGAIN registry"), /network/);
  assert.match(adviceFor("Temporary failure in name resolution\nERROR: No matching distribution"), /network/);
  assert.match(
    adviceFor("ERROR: No matching distribution found for tensorflow-cpu"),
    /PyPI.* or has no build of this version/,
  );
  assert.match(adviceFor("EACCES: permission denied, mkdir"), /cannot be written/);
});

test("package-lock.json names no place for a package, so every one comes from the registry that npm is configured for", () => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { resolved?: string }>;
  };
  assert.ok(Object.keys(lock.packages).length > 400);
  assert.deepEqual(
    Object.values(lock.packages).filter(({ resolved }) => resolved !== undefined),
    [],
  );
});

test("no package with a known weakness that was mended elsewhere is installed", () => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { name?: string; version: string }>;
  };
  const installed = Object.entries(packages).map(([path, { name, version }]) => {
    return { name: name ?? path.replace(/^.*node_modules\//, ""), version };
  });
  const versionsOf = (wanted: string) => installed.filter(({ name }) => name === wanted).map(({ version }) => version);
  assert.deepEqual(["xlsx", "request"].flatMap(versionsOf), [], "which nobody mends under these names");
  for (const [name, major] of [["tar", 7] as const, ["tough-cookie", 5] as const, ["form-data", 4] as const])
    for (const version of versionsOf(name)) assert.ok(parseInt(version) >= major, `${name} ${version}`);
});

test("a step's stamp counts only for the very inputs it was made from, and a damaged one not at all", (context) => {
  const file = join(temporary(context), "stamps", "step.json");
  writeStamp(file, { wheel: "a==1" }, { version: "1" });
  assert.equal(readStamp(file, { wheel: "a==1" }).version, "1");
  assert.equal(readStamp(file, { wheel: "a==2" }), undefined);
  writeFileSync(file, '{"from": {"wheel": "a==1"');
  assert.equal(readStamp(file, { wheel: "a==1" }), undefined);
});

/** A make-believe checkout, whose commands are answered by `answer` instead of being run. */
function checkout(
  context: TestContext,
  answer: (line: string) => string,
  options: { flag?: "cpu" | "gpu"; commands?: string[]; smi?: string } = {},
) {
  const folder = temporary(context);
  const { commands = ["g++"], smi = "" } = options;
  const wheel = ".venv/lib/python3.11/site-packages/tensorflow/libtensorflow_cc.so.2";
  put(folder, {
    "requirements.txt": REQUIREMENTS,
    [wheel]: "",
    "node_modules/@tensorflow/tfjs-node/package.json": '{"version": "4.22.0"}',
  });
  const log: string[] = [];
  const notices: string[] = [];
  const facts = {
    root: folder,
    flag: options.flag,
    find: (names: string[]) => names.find((name) => commands.includes(name)),
    ask: (command: string) => (command === "nvidia-smi" ? smi : "12.2.0"),
    say: () => {},
    notice: (text: string) => void notices.push(text),
    run: async (command: string, args: string[]) => {
      const line = [command, ...args].join(" ").replaceAll(folder, "");
      log.push(line);
      if (command === "g++") writeFileSync(args.at(-1) as string, "binding");
      return answer(line);
    },
  };
  return {
    facts,
    log,
    notices,
    binding: join(folder, "node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node"),
  };
}

const WORKS = (line: string) => (line.includes("-e") ? 'TRIAL{"version":"2.21.0","gpu":false}' : "");

test("the TensorFlow step installs the CPU wheel alone, compiles, tries it out, and then finds it ready", async (context) => {
  const { facts, log, notices, binding } = checkout(context, WORKS);
  assert.equal(engine.check(facts).ready, false);
  assert.equal(await engine.act(facts), "2.21.0, on the CPU");
  assert.ok(
    log.some((line) => line.endsWith("--no-deps -r lib/setup/wheels/cpu.txt")),
    log.join("\n"),
  );
  assert.ok(existsSync(binding));
  assert.deepEqual(engine.check(facts), { ready: true, text: "2.21.0, on the CPU", notice: undefined });
  assert.deepEqual(notices, []);
});

test("the TensorFlow step takes the GPU wheel where nvidia-smi lists a GPU", async (context) => {
  const options = { commands: ["g++", "nvidia-smi"], smi: "GPU 0: NVIDIA H100 (UUID: GPU-1)" };
  const { facts, log } = checkout(context, (line) => WORKS(line).replace("false", "true"), options);
  assert.equal(await engine.act(facts), "2.21.0, on the GPU");
  assert.ok(
    log.some((line) => line.endsWith("-r lib/setup/wheels/gpu.txt")),
    log.join("\n"),
  );
  assert.equal(engine.check(facts).ready, true);
});

test("the TensorFlow step falls back to the CPU wheel when the GPU wheel fails, says so, and stays there", async (context) => {
  const failing = (line: string) => {
    if (line.includes("gpu.txt")) throw Object.assign(new Error("pip failed"), { output: "No space left on device" });
    return WORKS(line);
  };
  const { facts, log, notices } = checkout(context, failing, { flag: "gpu" });
  assert.equal(await engine.act(facts), "2.21.0, on the CPU");
  assert.match(notices.join(), /The GPU wheel failed: pip failed\nNo space left on device/);
  const later = engine.check({ ...facts, flag: undefined });
  assert.equal(later.ready, true);
  assert.match(later.notice ?? "", /GPU wheel failed: pip failed.*npm run setup -- --gpu/);
  assert.equal(log.filter((line) => line.includes("gpu.txt")).length, 1);
  assert.equal(engine.check(facts).ready, false, "--gpu tries it again");
});

test("the TensorFlow step removes a binding that does not load, so that the lib takes WebAssembly", async (context) => {
  const crash = (line: string) => {
    if (line.includes("-e")) throw new Error("node was ended by SIGILL");
    return "";
  };
  const { facts, notices, binding } = checkout(context, crash);
  assert.match(await engine.act(facts), /WebAssembly/);
  assert.match(notices.join(), /CPU wheel failed: node was ended by SIGILL/);
  assert.equal(existsSync(binding), false);
  assert.equal(engine.check(facts).ready, false);
});

test("the TensorFlow step stops, and tries no other wheel, when it is interrupted", async (context) => {
  const { facts, log } = checkout(context, () => "", { flag: "gpu" });
  const stopped = Object.assign(new Error("ended by SIGTERM"), { interrupted: true });
  const run = async (command: string, args: string[]) => {
    await facts.run(command, args);
    throw stopped;
  };
  put(facts.root, { ".venv/bin/python": "" });
  await assert.rejects(engine.act({ ...facts, run }), stopped);
  assert.equal(log.length, 1);
});

test("the TensorFlow step downloads nothing without a C++ compiler, and says what to install", async (context) => {
  const { facts, log, notices } = checkout(context, WORKS, { commands: [], flag: "gpu" });
  assert.match(await engine.act(facts), /WebAssembly/);
  assert.match(notices.join(), /no C\+\+ compiler .*apt install g\+\+/s);
  assert.deepEqual(log, []);
});

test("the TensorFlow step compiles again for another wheel, and when the binding is gone or cut short", async (context) => {
  const { facts, binding } = checkout(context, WORKS);
  await engine.act(facts);
  for (const spoil of [() => rmSync(binding), () => writeFileSync(binding, "bind")]) {
    spoil();
    assert.equal(engine.check(facts).ready, false);
    await engine.act(facts);
    assert.equal(engine.check(facts).ready, true);
  }
  put(facts.root, { "requirements.txt": REQUIREMENTS.replaceAll("2.21.0", "2.21.1") });
  assert.equal(engine.check(facts).ready, false);
});

test("the Python step makes .venv anew when pip was killed in the middle of it", async (context) => {
  const { facts } = checkout(context, () => "");
  put(facts.root, { ".venv/pyvenv.cfg": "version = 3.11.2\n", ".venv/bin/python": "" });
  assert.deepEqual(python.check(facts), { ready: true, text: "3.11.2 in .venv" });
  const interrupted = async () => Promise.reject(Object.assign(new Error("ended by SIGTERM"), { interrupted: true }));
  await assert.rejects(jupyter.act({ ...facts, run: interrupted }));
  assert.equal(python.check(facts).ready, false);
});

test("the Jupyter step leaves no stamp when pip fails, and keeps .venv", async (context) => {
  const { facts } = checkout(context, () => "");
  put(facts.root, { ".venv/pyvenv.cfg": "version = 3.11.2\n", ".venv/bin/python": "", ".venv/bin/jupyter-lab": "" });
  await jupyter.act(facts);
  assert.equal(jupyter.check(facts).ready, true);
  await assert.rejects(
    jupyter.act({ ...facts, run: async () => Promise.reject(new Error("no network")) }),
    /no network/,
  );
  assert.equal(jupyter.check(facts).ready, false);
  assert.equal(python.check(facts).ready, true);
});

test("the Python step notices a checkout that was moved", (context) => {
  const { facts } = checkout(context, () => "");
  put(facts.root, {
    ".venv/pyvenv.cfg": "version = 3.11.2\n",
    ".venv/bin/python": "",
    ".venv/bin/pip": "#!/elsewhere/.venv/bin/python3\n",
  });
  assert.equal(python.check(facts).ready, false);
});

test("the npm and data steps are not ready in an empty checkout", (context) => {
  const { facts } = checkout(context, () => "");
  put(facts.root, {
    "package-lock.json": '{"packages": {"": {}, "node_modules/a": {"version": "1.0.0"}}}',
    "data/cifar-10/test_batch.bin": "short",
  });
  assert.equal(packages.check(facts).ready, false);
  assert.equal(data.check(facts).ready, false);
});

/** A process that takes the lock, says so, and then does what the script says; `lock` and `runChild` are there. */
function locker(folder: string, script: string) {
  const own = (name: string) => JSON.stringify(join(root, "lib/setup", name));
  const words = `
    import { runChild } from ${own("children.mjs")};
    import { takeLock } from ${own("lock.mjs")};
    import { rmSync, writeFileSync } from "node:fs";
    const lock = await takeLock("lock");
    console.log("locked");
    ${script}`;
  return spawn(process.execPath, ["--input-type=module", "-e", words], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

const ended = (child: ReturnType<typeof locker>) => new Promise((end) => child.on("close", end));

test("takeLock() takes over a lock whose process was killed, whatever its file holds", async (context) => {
  const folder = temporary(context);
  writeFileSync(join(folder, "lock"), "[{");
  const child = locker(folder, "setInterval(() => {}, 1000);");
  await once(child.stdout!, "data");
  child.kill("SIGKILL");
  await ended(child);
  (await takeLock(join(folder, "lock"))).release();
});

test("takeLock() waits for a living owner, and for the child that a killed owner left behind", async (context) => {
  const folder = temporary(context);
  const sleeper = '["-e", "setTimeout(() => require(\\"fs\\").writeFileSync(\\"done\\", \\"\\"), 800)"]';
  const child = locker(folder, `runChild(process.execPath, ${sleeper}, { handle: lock.handle });`);
  await once(child.stdout!, "data");
  const waitedFor: string[] = [];
  const waiting = takeLock(join(folder, "lock"), { onWait: (pid) => waitedFor.push(pid) });
  await sleep(300);
  child.kill("SIGKILL");
  const lock = await waiting;
  assert.deepEqual(waitedFor, [String(child.pid)]);
  assert.ok(existsSync(join(folder, "done")));
  lock.release();
});

test("of several processes that want the lock at once only one has it at a time", async (context) => {
  const folder = temporary(context);
  const script = `
    writeFileSync("inside", "", { flag: "wx" });
    await new Promise((end) => setTimeout(end, 50));
    rmSync("inside");
    lock.release();`;
  const children = Array.from({ length: 5 }, () => locker(folder, script));
  assert.deepEqual(await Promise.all(children.map(ended)), [0, 0, 0, 0, 0]);
  assert.deepEqual(readdirSync(folder), ["lock"]);
});

test("takeLock() says what to install where there is no flock", async (context) => {
  const path = process.env.PATH;
  context.after(() => (process.env.PATH = path));
  process.env.PATH = "";
  const expected = { message: /wanted the command flock, found none/, advice: /apt install util-linux/ };
  await assert.rejects(takeLock(join(temporary(context), "lock")), expected);
});

test("findCommand() searches PATH in its order", (context) => {
  const folder = temporary(context);
  put(folder, { "a/g++": "", "b/g++": "", "b/c++": "" });
  const path = `${join(folder, "b")}:${join(folder, "a")}`;
  assert.equal(findCommand(["clang++", "g++"], path), join(folder, "b/g++"));
  assert.equal(findCommand(["nvidia-smi"], path), undefined);
});

function runSetup(...args: string[]) {
  return spawnSync(process.execPath, ["lib/cli/setup.mjs", ...args], { cwd: root, encoding: "utf8" });
}

test("setup --quiet says nothing where everything stands, within about a second", () => {
  const start = performance.now();
  const { status, stdout, stderr } = runSetup("--quiet");
  assert.deepEqual(
    { status, stdout: stdout.replace(/^! TensorFlow .*\n/gm, ""), stderr },
    { status: 0, stdout: "", stderr: "" },
  );
  assert.ok(performance.now() - start < 3000);
});

test("setup refuses an unknown flag with the list of known ones, and both flags at once", () => {
  const unknown = runSetup("--gpuu");
  assert.deepEqual(
    [unknown.status, unknown.stderr],
    [2, "Unknown option '--gpuu'. Did you mean --gpu? Known options: --gpu, --cpu, --quiet, --help\n"],
  );
  assert.equal(runSetup("--gpu", "--cpu").status, 2);
  assert.match(runSetup("--help").stdout, /^npm run setup/);
});

test("start.mjs says to run the set-up where the npm packages are missing", (context) => {
  const folder = temporary(context);
  execFileSync("cp", ["-r", join(root, "lib"), folder]);
  const { status, stderr } = spawnSync(process.execPath, ["lib/cli/start.mjs", "lib/cli/data.ts"], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.deepEqual(
    [status, stderr],
    [1, "Cannot start: the npm packages are not installed; run `npm run setup` first.\n"],
  );
});
