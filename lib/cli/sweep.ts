// npm run sweep: ablates the layers of a network and says what each costs.
import { runCommand, UsageError } from "./command";
import { SWEEP } from "./sweep/options";

void runCommand(SWEEP, async (given, signal) => {
  if (given.all) return (await import("./sweep/all")).sweepAll(given, signal);
  if (given.runs !== undefined)
    throw new UsageError("Cannot use --runs without --all: expected --checkpoint for one run");
  return (await import("./sweep/run")).sweepCommand(given, signal);
});
