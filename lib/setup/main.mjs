// Set-up itself: goes through the steps, does what is missing, one set-up at a time in a checkout.
import { join } from "node:path";
import { parseOptions } from "./options.mjs";
import { ask, findCommand, onInterrupt, runChild } from "./children.mjs";
import { engine } from "./engine.mjs";
import { childEnvironment, ROOT } from "./environment.mjs";
import { takeLock } from "./lock.mjs";
import { createReport, seconds } from "./report.mjs";
import { jupyter, python } from "./python.mjs";
import { data, kernel, packages } from "./steps.mjs";

const STEPS = [packages, python, jupyter, engine, kernel, data];

const HELP = `npm run setup [-- --gpu | --cpu] [--quiet]

Prepares this checkout: npm packages, .venv with Jupyter and TensorFlow's wheel, the TensorFlow.js binding, the kernel and
CIFAR-10. Does only what is missing; a call that finds all of it takes a moment.

  --gpu     take TensorFlow's wheel for NVIDIA GPUs (the default where nvidia-smi finds a GPU)
  --cpu     take the CPU wheel; the choice is remembered
  --quiet   say only what is done, not what stands already
  --help    this text`;

/**
 * The command line of set-up.
 * @param {string[]} args
 */
export async function main(args) {
  const { gpu, cpu, quiet } = parseOptions(args, { gpu: "boolean", cpu: "boolean", quiet: "boolean" }, HELP);
  if (gpu && cpu) {
    console.error("Cannot set up: --gpu and --cpu were both given, one or none is wanted.");
    process.exit(2);
  }
  const ok = await setUp({ flag: gpu ? "gpu" : cpu ? "cpu" : undefined, report: createReport({ quiet }) });
  if (!ok) process.exit(1);
}

/**
 * Does all that is missing.
 * @param {{root?: string, flag?: "cpu" | "gpu", report: ReturnType<typeof createReport>}} options
 * @returns {Promise<boolean>} whether everything stands; if not, the reason was reported
 */
export async function setUp({ root = ROOT, flag, report }) {
  const start = performance.now();
  /** @type {{lock?: Awaited<ReturnType<typeof takeLock>>}} */
  const held = {};
  const stopListening = onInterrupt(() => held.lock?.release());
  report.ready("Node.js", process.versions.node);
  try {
    for (const step of STEPS) await take(step, { root, flag, report, held });
    report.ready("Set-up", `complete (${seconds((performance.now() - start) / 1000)})`);
    return true;
  } catch (error) {
    if (!error.interrupted) explain(error, report);
    return false;
  } finally {
    held.lock?.release();
    stopListening();
  }
}

// Looks without the lock first, so that a set-up that finds everything never waits for another.
async function take(step, { root, flag, report, held }) {
  const notice = (text) => report.notice(step.name, text);
  const context = { root, flag, notice, say: () => {}, run: runner(root, held), ask, find: findCommand };
  let state = step.check(context);
  if (!state.ready && !held.lock) {
    const onWait = (pid) => report.print(`… waiting for another set-up of this folder (process ${pid})`);
    held.lock = await takeLock(join(root, ".setup.lock"), { onWait });
    state = step.check(context);
  }
  if (state.ready) report.ready(step.name, state.text);
  else await work(step, context, { report, text: state.text, notice });
  if (state.notice) notice(state.notice);
}

// Notices wait until the step's own line is complete.
async function work(step, context, { report, text, notice }) {
  const notices = [];
  try {
    const act = (say) => step.act({ ...context, say, notice: (each) => notices.push(each) });
    await report.work(step.name, text, act, step);
  } catch (error) {
    throw Object.assign(error, { step: step.name });
  } finally {
    notices.forEach(notice);
  }
}

function runner(root, held) {
  return (command, args, options = {}) =>
    runChild(command, args, {
      cwd: root,
      env: childEnvironment(root),
      ...options,
      onStart: (pid) => held.lock?.hold(pid),
      onEnd: () => held.lock?.letGo(),
    });
}

function explain(error, report) {
  report.failed(error.step ?? "Set-up", error.step ? error.message : (error.stack ?? error.message));
  if (error.output) report.print(error.output.replace(/^/gm, "    "));
  if (error.advice) report.print(`  ${error.advice}`);
  report.print("  What is done stays; run the same command again to go on from here.");
}
