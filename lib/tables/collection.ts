// Tables of many trained networks: what was trained, which differ, and float32 against bfloat16.
import { deviationOf, meanOf } from "../statistics/summary";
import type { Member } from "../runs/collection";
import type { NetworkPair } from "../runs/network-pairs";
import { precisionPairs } from "../runs/precision-pairs";
import { wilson } from "../statistics/intervals";
import { percent } from "../text/format";
import { type Table, tableOf } from "./table";

/**
 * One line per run: what was trained, how, and its test accuracy with the 95 % Wilson interval. The data set is named where not all runs
 * are on CIFAR-10, the weight decay where not all have the same.
 */
export function collectionTable(members: readonly Member[]): Table {
  const [dataColumn, decayColumn] = [dataColumnOf(members), decayColumnOf(members)];
  return tableOf(
    members.map(
      ({
        run,
        network,
        parameters,
        data,
        accuracy,
        testImages,
        images,
        epochs,
        precision,
        seed,
        seconds,
        weightDecay,
      }) => ({
        run,
        network,
        parameters,
        ...dataColumn({ data }),
        "training images": images,
        epochs,
        precision,
        ...decayColumn({ weightDecay }),
        seed: String(seed),
        "test accuracy %": 100 * accuracy,
        "95 % interval": wilson(Math.round(accuracy * testImages), testImages)
          .map((end) => percent(end))
          .join(" to "),
        minutes: Math.round(seconds / 60),
      }),
    ),
  );
}

type DataColumn = (member: Pick<Member, "data">) => { readonly data?: string };

/** The column of the data set, in every row or in none. */
function dataColumnOf(members: readonly Pick<Member, "data">[]): DataColumn {
  return members.some(({ data }) => data !== "cifar10") ? ({ data }) => ({ data }) : () => ({});
}

/** The column of weight decay, in every row or in none. */
function decayColumnOf(members: readonly Pick<Member, "weightDecay">[]) {
  const several = new Set(members.map(({ weightDecay }) => weightDecay)).size > 1;
  return ({ weightDecay }: Pick<Member, "weightDecay">) =>
    several ? { "weight decay": weightDecay.toExponential().replace("-", "−") } : {};
}

/** The same as a table, differences in percentage points. */
export function pairTable(pairs: readonly NetworkPair[]): Table {
  return tableOf(
    pairs.map(({ first, second, difference, firstOnly, secondOnly, p, adjusted }) => ({
      first: first.run,
      second: second.run,
      "difference pp": 100 * difference,
      "right in the first alone": firstOnly,
      "in the second alone": secondOnly,
      p: shortP(p),
      "p (Holm)": shortP(adjusted),
    })),
  );
}

const shortP = (p: number): string => (p < 0.0001 ? "< 0.0001" : p.toFixed(4));

/**
 * The same as a table: seeds, mean test accuracy and its standard deviation over seeds, and the mean difference over the seeds that were
 * trained in both, in percentage points, with its standard error and p value; empty where too few seeds are shared.
 */
export function precisionTable(members: readonly Member[]): Table {
  const pairs = precisionPairs(members);
  const dataColumn = dataColumnOf(pairs);
  return tableOf(
    pairs.map(({ network, images, epochs, float32, bfloat16, differences, ...rest }) => ({
      network,
      ...dataColumn(rest),
      "training images": images,
      epochs,
      ...seedColumns("float32", float32),
      ...seedColumns("bfloat16", bfloat16),
      "seeds in both": differences.length,
      "difference pp": shownOrEmpty(100 * rest.mean),
      "standard error pp": shownOrEmpty(100 * rest.error),
      "sign-flip p": differences.length > 0 ? rest.p : null,
      "smallest p": differences.length > 0 ? rest.smallest : null,
    })),
  );
}

const seedColumns = (name: string, accuracies: readonly number[]) => ({
  [`${name} seeds`]: accuracies.length,
  [`${name} mean %`]: 100 * meanOf(accuracies),
  [`${name} SD pp`]: shownOrEmpty(100 * deviationOf(accuracies)),
});

const shownOrEmpty = (value: number): number | null => (Number.isNaN(value) ? null : value);
