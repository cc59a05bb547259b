// Trainings that are killed at any moment, again and again, until they end: with the bits of one that was not killed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { smallTraining } from "../killed";
import { count, type Part, tallyOf } from "./tally";

const WEIGHTS = "weights.safetensors";
const MOST_KILLS = 5; // of one training

/** Trains in a folder and kills that after some milliseconds; whether it ended before. */
function trainFor(dir: string, milliseconds: number): Promise<boolean> {
  const child = spawn(process.execPath, ["--import", "tsx", join("tests", "killed.ts"), dir], { stdio: "ignore" });
  const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
  return new Promise((resolve) =>
    child.once("exit", (_, signal) => {
      clearTimeout(timer);
      resolve(signal === null);
    }),
  );
}

export const kills: Part = async ({ folder, random, goesOn }) => {
  const whole = join(folder, "whole");
  await smallTraining(whole);
  const began = Date.now();
  assert.ok(await trainFor(join(folder, "timed"), 600_000));
  const takes = Date.now() - began;
  const [same, tidy] = [tallyOf("a killed training ends with the same bits"), tallyOf("and leaves no other file")];
  do {
    const dir = join(folder, `run${same.trials}`);
    for (let kill = 0; kill < MOST_KILLS && !(await trainFor(dir, random.uniform() * takes)); kill++);
    await trainFor(dir, 600_000);
    const bytes = (place: string) => readFileSync(join(place, WEIGHTS));
    await count(same, dir, () => assert.ok(existsSync(join(dir, WEIGHTS)) && bytes(dir).equals(bytes(whole))));
    await count(tidy, dir, () => assert.deepEqual(readdirSync(dir), readdirSync(whole)));
  } while (goesOn());
  return [same, tidy];
};
