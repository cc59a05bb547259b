// float32 against bfloat16: networks that were trained in both, seed by seed.
import { deviationOf, meanOf } from "../statistics/summary";
import { flipAll } from "../statistics/paired";
import type { Member } from "./collection";

/** How training in bfloat16 compares with float32 for one way of training; accuracies and differences are fractions. */
export interface PrecisionPairs {
  readonly network: string;
  readonly data: string; // the data set
  readonly images: number;
  readonly epochs: number;
  readonly float32: readonly number[]; // test accuracies, a seed each
  readonly bfloat16: readonly number[];
  readonly differences: readonly number[]; // bfloat16 - float32 of every seed that was trained in both
  readonly mean: number; // of the differences; NaN where there is none
  readonly error: number; // its standard error; NaN below two
  readonly p: number; // exact, two-sided; 1 where there is none
  readonly smallest: number; // best p that so many seeds can give
}

/**
 * Every way of training that was tried in both precisions. Runs that share a seed share their start, order and augmentation, so they are
 * compared with each other: the p value is that of the exact sign-flip test over the differences.
 */
export function precisionPairs(members: readonly Member[]): PrecisionPairs[] {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const { network, data, images, heldOut, epochs, weightDecay } = member;
    const key = [network, data, images, heldOut, epochs, weightDecay].join();
    groups.set(key, [...(groups.get(key) ?? []), member]);
  }
  const both = [...groups.values()].filter((group) => new Set(group.map(({ precision }) => precision)).size > 1);
  return both.map(pairsOf);
}

function pairsOf(group: readonly Member[]): PrecisionPairs {
  const of = (precision: string) => group.filter((member) => member.precision === precision);
  const [exact, rounded] = [of("float32"), of("bfloat16")];
  const differences = exact.flatMap(({ seed, accuracy }) => {
    const twin = rounded.find((member) => member.seed === seed);
    return twin ? [twin.accuracy - accuracy] : [];
  });
  const { network, data, images, epochs } = group[0];
  return {
    ...{ network, data, images, epochs, differences },
    float32: exact.map(({ accuracy }) => accuracy),
    bfloat16: rounded.map(({ accuracy }) => accuracy),
    mean: meanOf(differences),
    error: deviationOf(differences) / Math.sqrt(differences.length),
    p: differences.length > 0 ? flipAll(differences) : 1,
    smallest: Math.min(1, 2 / 2 ** differences.length),
  };
}
