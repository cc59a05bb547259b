// What npm run sweep says at its end, and the files that it writes.
import { print, printError } from "../command";
import { basename, dirname } from "node:path";
import type { Dataset } from "../../data/dataset";
import { writeTogether } from "../../files/disk";
import type { Layer } from "../../networks/layers";
import type { Network } from "../../networks/network";
import type { ExactVerdicts } from "../../results/exact";
import { growthOf, spreadOf } from "../../results/growth";
import { evenSweep, type Sweep } from "../../results/matrix";
import { rowsOf } from "../../results/rows";
import { synergiesOf } from "../../results/synergy";
import { type Verdict, verdictsOf } from "../../results/verdict";
import type { Plan } from "../../sweeps/plan";
import type { Rounding } from "../../sweeps/rounding";
import { captionOf } from "../../tables/caption";
import { greedyTable, spreadTable, synergyTable } from "../../tables/sets";
import { ablationTable, verdictTable } from "../../tables/ablations";
import { exactCaption, exactTable } from "../../tables/exact";
import { type Table, tableOf } from "../../tables/table";
import { toText } from "../../tables/render";
import { powerSentence, verdictCountTable } from "../../tables/verdicts";
import { grouped, pp } from "../../text/format";
import type { SweepGiven } from "./options";

const STRONGEST = 20; // pairs that are shown

/** What was swept, and how it went. */
interface Outcome {
  readonly result: Sweep;
  readonly seconds: number;
  readonly rounding?: Rounding;
  readonly network: Network;
  readonly test: Dataset;
}

/** Prints for people: on the error output where standard output is for another program. */
const sayFor = ({ json, csv }: SweepGiven) => (json === "-" || csv === "-" ? printError : print);

/** The terminal's columns; as many as there are where it is none. */
const widthFor = ({ json, csv }: SweepGiven): number | undefined =>
  (json === "-" || csv === "-" ? process.stderr : process.stdout).columns;

/** Prints the table of a sweep with what belongs to it, and writes what --json and --csv ask for. */
export async function output(given: SweepGiven, plan: Plan, outcome: Outcome): Promise<void> {
  const { result, seconds, rounding } = outcome;
  const say = sayFor(given);
  const verdicts = verdictsOf(rowsOf(result), { margin: given.margin });
  const sets = setReport(given, plan, result);
  say(toText(sets?.table ?? ablationTable(verdicts), { caption: captionOf(result), width: widthFor(given) }));
  if (!sets) say(`\n${countsText(result)}\n`);
  if (rounding) say(roundingText(rounding));
  const fields = {
    ...report(result, verdicts, seconds),
    ...factsOf(outcome),
    rounding,
    set: given.set,
    ...sets?.fields,
  };
  if (given.json) await write(given.json, JSON.stringify(fields, null, 1), say);
  if (given.csv) await write(given.csv, verdictTable(verdicts).toCSV(), say);
  say(`${plan.sets.length} ablations, ${result.labels.length} images, ${seconds.toFixed(1)} s`);
}

/** The same of exact verdicts, of which there are no drops but bounds. */
export async function exactOutput(given: SweepGiven, found: ExactVerdicts): Promise<void> {
  const { json, csv } = given;
  const say = sayFor(given);
  const table = exactTable(found);
  say(toText(table, { caption: exactCaption(found), width: widthFor(given) }));
  const fields = { ...found, sets: undefined };
  if (json) await write(json, JSON.stringify(fields, null, 1), say);
  if (csv) await write(csv, tableOf(found.verdicts).toCSV(), say);
  say(`\n${countsOfExact(found)}`);
}

/** "18 non-trivial, 1 undecided at 0.5 pp, as with all 10,000 images" */
function countsOfExact({ verdicts, margin, images }: ExactVerdicts): string {
  const calls = verdicts.map(({ verdict = "open" }) => verdict);
  const counts = [...new Set(calls)].map((call) => `${calls.filter((each) => each === call).length} ${call}`);
  return `${counts.join(", ")} at ${pp(margin, 1)}, as with all ${grouped(images)} images`;
}

/** Of pairs and orders: a table that stands in for the one of verdicts, and fields for --json. */
function setReport(
  { set }: SweepGiven,
  { orders = [], steps }: Plan,
  result: Sweep,
): { readonly table: Table; readonly fields: object } | undefined {
  if (set === "pairs") {
    const synergies = synergiesOf(evenSweep(result));
    const named = synergies.map((pair) => ({ ...pair, first: nameOf(pair.first), second: nameOf(pair.second) }));
    return { table: synergyTable(synergies).slice(0, STRONGEST), fields: { synergies: named } };
  }
  if (steps) {
    const order = steps.map(({ layer, drop }) => ({ layer: layer.name, dropWhenChosen: drop }));
    return { table: greedyTable(steps, growthOf(evenSweep(result), orders[0])), fields: { order } };
  }
  if (orders.length === 0) return undefined;
  const spread = spreadOf(evenSweep(result), orders);
  return { table: spreadTable(spread), fields: { orders: orders.map((order) => order.map(nameOf)), spread } };
}

const nameOf = ({ name }: Layer): string => name;

/** The counts and verdicts of a sweep, as written by --json. */
function report(result: Sweep, verdicts: readonly Verdict[], seconds: number) {
  const { network, operator, seed, precision, labels, baseline } = result;
  const correct = baseline.filter((predicted, image) => predicted === labels[image]).length;
  return {
    ...{ network, operator, seed, precision, images: labels.length, baseline: { correct }, seconds },
    layers: verdicts.map((verdict) => {
      const { layer, images, correct, lost, gained, flips, lossChange, lossLow, lossHigh, look, ...rest } = verdict;
      const { verdict: call, harm, upper, trivialP, trivialAdjusted, nonTrivialP, nonTrivialAdjusted } = rest;
      const { harmP, harmAdjusted } = rest;
      const counts = { layer, images, correct, lost, gained, flips, lossChange, lossLow, lossHigh, look };
      const margin = { trivialP, trivialAdjusted, nonTrivialP, nonTrivialAdjusted };
      return { ...counts, verdict: call, harm, upper, ...margin, harmP, harmAdjusted };
    }),
  };
}

/** What was swept, as written by --json beside the counts. */
function factsOf({ network, test, result }: Outcome) {
  const { name, split, sha256, classes } = test;
  const dataset = { name, split, sha256, classes: classes.length };
  return { dataset, normalization: network.normalization, assumed: result.assumed };
}

/** How many are called what at several margins, and what the sweep could have shown. */
function countsText(result: Sweep): string {
  const rows = rowsOf(result);
  const even = rows.every(({ images, unchanged }) => images === rows[0].images && !unchanged);
  const table = toText(verdictCountTable(rows), { caption: "Verdicts by margin" });
  const notes = [
    ...(even && rows.some(({ lost, gained }) => lost + gained > 0) ? [powerSentence(rows)] : []),
    ...(result.precision === "bfloat16" ? ["In bfloat16 no layer is called trivial: rounding alone moves drops."] : []),
  ];
  return [table, ...notes].join("\n");
}

function roundingText({ flips, predictions, images }: Rounding): string {
  return `bfloat16 changed ${flips} of ${predictions} predictions (the first ${images} images; against float32)`;
}

/** Writes a file that was asked for; "-" is standard output. */
export async function write(file: string, text: string, say: (text: string) => void): Promise<void> {
  if (file === "-") return console.log(text);
  await writeTogether(dirname(file), new Map([[basename(file), new TextEncoder().encode(`${text}\n`)]]));
  say(`${file} written`);
}
