// Set-up itself: goes through the steps, does what is missing, one set-up at a time in a checkout.
import { join } from "node:path";
import { ask, findCommand, onInterrupt, runChild } from "./children.mjs";
import { engine } from "./engine.mjs";
import { childEnvironment, ROOT } from "./environment.mjs";
import { takeLock } from "./lock.mjs";
import { jupyter, python } from "./python.mjs";
import { seconds } from "./report.mjs";
import { data, library, packages } from "./steps.mjs";

const STEPS = [packages, python, jupyter, engine, library, data];

/**
 * Does all that is missing.
 * @param {{root?: string, flag?: "cpu" | "gpu", steps?: any[], report: ReturnType<typeof import("./report.mjs").createReport>}} options
 * @returns {Promise<boolean>} whether everything stands; if not, the reason was reported
 */
export async function setUp({ root = ROOT, flag, steps = STEPS, report }) {
  const start = performance.now();
  const stopListening = onInterrupt();
  const held = {};
  report.ready("Node.js", process.versions.node);
  try {
    for (const step of steps) await take(step, { root, flag, report, held });
    report.ready("Set-up", `complete (${seconds((performance.now() - start) / 1000)})`);
    return true;
  } catch (error) {
    if (error.interrupted) return false;
    report.failed(error.step, error);
    report.print("  What is done stays; run the same command again to go on from here.");
    return false;
  } finally {
    held.lock?.release();
    stopListening();
  }
}

// Looks without the lock first, so that a set-up that finds everything never waits for another. Notices wait until the step's own line
// is complete.
async function take(step, { root, flag, report, held }) {
  const notices = [];
  const run = (command, args, options) =>
    runChild(command, args, { cwd: root, env: childEnvironment(root), handle: held.lock?.handle, ...options });
  const context = { root, flag, run, ask, find: findCommand, say: () => {}, notice: (text) => notices.push(text) };
  try {
    let state = step.check(context);
    if (!state.ready && !held.lock) {
      const onWait = (pid) => report.print(`… waiting for another set-up of this folder (process ${pid})`);
      held.lock = await takeLock(join(root, ".setup.lock"), { onWait });
      state = step.check(context);
    }
    if (state.ready) report.ready(step.name, state.text);
    else await report.work(step.name, state.text, (say) => step.act({ ...context, say }), step);
    if (state.notice) notices.push(state.notice);
  } catch (error) {
    throw Object.assign(error, { step: step.name });
  } finally {
    notices.forEach((text) => report.notice(step.name, text));
  }
}
