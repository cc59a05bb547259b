// npm run sweep: ablates the layers of a network and says what each costs.
import { runCommand } from "./command";
import { SWEEP } from "./sweep/options";

void runCommand(SWEEP, async (given, signal) => {
  if (given.all) return (await import("./sweep/all")).sweepAll(given, signal);
  return (await import("./sweep/run")).sweepCommand(given, signal);
});
