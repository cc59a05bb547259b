// Tables of verdicts that were settled before all images were seen.
import type { ExactVerdicts } from "../results/exact";
import { meanOf } from "../statistics/summary";
import { changeText, grouped } from "../text/format";
import { type Table, tableOf } from "./table";

/**
 * One line per ablation: its verdict and whether harm is shown, as with all images (empty while images that are missing can change it),
 * how much it costs at least (percentage points of all images), from how many images that is known, and what was counted in them.
 */
export function exactTable({ verdicts }: ExactVerdicts): Table {
  return tableOf(
    verdicts.map((line) => ({
      layer: line.layer,
      verdict: line.verdict ?? null,
      harm: line.harm ?? null,
      "drop ≥ pp": 100 * line.dropAtLeast,
      "images seen": line.seen,
      "lost so far": line.lost,
      "gained so far": line.gained,
      channels: line.changesChannels ? "changes" : "keeps",
      weights: line.parameters,
    })),
  );
}

/** The line above that table: "resnet20, one layer's kernel set to zero, verdicts as with 10,000 images, from 1,316 a layer". */
export function exactCaption({ network, operator, sets, images, verdicts }: ExactVerdicts): string {
  const changed = changeText(sets.map(({ layers }) => ({ operator, layers: layers.length })));
  const mean = grouped(Math.round(meanOf(verdicts.map(({ seen }) => seen))));
  return `${network}, ${changed}, verdicts as with ${grouped(images)} images, from ${mean} a ${sets.every(({ layers }) => layers.length === 1) ? "layer" : "set"}`;
}
