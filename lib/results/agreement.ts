// Several operators on the layers of one network, side by side: their verdicts, how well their rankings agree.
import { largestOf } from "../statistics/extremes";
import { upperBound } from "../statistics/paired";
import { kendallTau } from "../statistics/ranking";
import type { EvenSweep, Sweep } from "./matrix";
import { checkEven, type EvenRow, rowsOf } from "./rows";
import { type EvenVerdict, type Verdict, type VerdictOptions, verdictsOf } from "./verdict";

/** Something for each operator, by the operators' names. */
export type ByOperator<T> = Readonly<Record<string, T>>;

/** The verdicts of each sweep, corrected for the layers within one operator, not for the number of operators. */
export function verdictsOfEach(sweeps: ByOperator<EvenSweep>, options?: VerdictOptions): ByOperator<EvenVerdict[]>;
export function verdictsOfEach(sweeps: ByOperator<Sweep>, options?: VerdictOptions): ByOperator<Verdict[]>;
export function verdictsOfEach(sweeps: ByOperator<Sweep>, options: VerdictOptions = {}): ByOperator<Verdict[]> {
  return Object.fromEntries(Object.entries(sweeps).map(([name, each]) => [name, verdictsOf(rowsOf(each), options)]));
}

/** Tango's two-sided 95 % interval of a drop, as fractions, for one look at a number of images that was chosen before. */
export function dropInterval({ images, lost, gained }: EvenRow): [low: number, high: number] {
  const low = -upperBound({ images, lost: gained, gained: lost }, 0.975);
  return [low, upperBound({ images, lost, gained }, 0.975)];
}

/** Half the length of the longest 95 % interval of a drop among some rows, a fraction. */
export function widestInterval(rows: readonly EvenRow[]): number {
  const halves = rows.map(dropInterval).map(([low, high]) => (high - low) / 2);
  return Math.max(0, largestOf(halves));
}

/** How well the rankings of some operators agree. */
export interface Agreement {
  readonly operators: readonly string[];
  /** Kendall's tau-b of every two; of one with itself between two halves of the images. NaN where nothing can be ranked. */
  readonly taus: readonly (readonly number[])[];
}

/**
 * Kendall's tau-b between the drops that every two operators cause, over the layers that both change. With itself an operator is
 * compared on the two halves of the images: where that is low, the images are too few to rank layers so close together.
 * @throws RangeError when a sweep has fewer than two images, or an ablation has seen others
 */
export function agreementOf(sweeps: ByOperator<EvenSweep>): Agreement {
  const operators = Object.keys(sweeps);
  const whole = operators.map((name) => rowsOf(sweeps[name]));
  whole.forEach(checkEven);
  const halved = operators.map((name) => halves(sweeps[name]).map((half) => rowsOf(half)));
  const taus = operators.map((_, i) =>
    operators.map((_, j) => (i === j ? rankAgreement(halved[i][0], halved[i][1]) : rankAgreement(whole[i], whole[j]))),
  );
  return { operators, taus };
}

/** Kendall's tau-b between the drops of the layers that two sweeps changed; NaN where nothing can be ranked. */
export function rankAgreement(first: readonly EvenRow[], second: readonly EvenRow[]): number {
  const drops = new Map(second.filter(({ unchanged }) => !unchanged).map(({ layer, drop }) => [layer, drop]));
  const shared = first.filter(({ layer, unchanged }) => !unchanged && drops.has(layer));
  return kendallTau(
    shared.map(({ drop }) => drop),
    shared.map(({ layer }) => drops.get(layer)!),
  );
}

/** The same sweep over the first half of its images and over the rest. */
function halves(whole: EvenSweep): [EvenSweep, EvenSweep] {
  const { length } = whole.labels;
  if (length < 2) throw new RangeError(`Cannot halve a sweep: expected at least two images but found ${length}`);
  const middle = Math.floor(length / 2);
  const part = (from: number, to: number): EvenSweep => ({
    ...whole,
    labels: whole.labels.subarray(from, to),
    baseline: whole.baseline.subarray(from, to),
    predictions: whole.predictions.map((after) => after.subarray(from, to)),
    losses: undefined,
    stopping: undefined,
  });
  return [part(0, middle), part(middle, length)];
}
