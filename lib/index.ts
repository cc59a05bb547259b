// The front door: everything that a notebook imports, in reading order. Re-exports only; no file of lib/ imports it.
// lib/NAMES.md says of each name what it is; `npm run check -- --write` makes that page of this file and of the docstrings.

// Data: the images that networks see, all of them or some; every loader checks what it reads.
export { channelStatistics, firstImages, holdOut, loadCifar } from "./data/cifar";
export { loadImageFolder } from "./engine/image-folder";
export { take, where } from "./data/select";
export type { Dataset } from "./data/dataset";

// Networks: an architecture by its name, its layers by theirs, and trained parameters from a run folder or a file.
export { loadNetwork } from "./runs/run-folder";
export { specName, specOf } from "./networks/spec";
export { branchEnds, changesChannels, layerOf, layersOf } from "./networks/layers";
export { parameterCount } from "./networks/network";
export type { Layer } from "./networks/layers";
export type { Network } from "./networks/network";
export type { Values } from "./files/values";
export type { Spec } from "./networks/spec";

// Training: recipes, a training that shows itself in the cell, and finished ones with their history.
export { FAST, HE } from "./training/recipe";
export { trainLive } from "./notebook/train-live";
export { loadRun } from "./runs/run-folder";
export { evaluate } from "./training/evaluate";
export * as collection from "./notebook/collection";
export * as study from "./notebook/study";
export type { Run } from "./runs/run-file";
export type { TrainConfig } from "./training/recipe";

// Ablations: what is done to a layer (an operator is a function from a kernel to a kernel), and to which layers together.
export { ablate, zero } from "./ablations/ablate";
export * as operators from "./ablations/operators";
export { onOutput, onShortcut } from "./ablations/activations";
export { kernelFrom } from "./ablations/transplant";
export { blockSets, pairs, setOf, singles, stageSets } from "./ablations/sets";
export type { KernelOperator, Operator } from "./ablations/ablate";
export type { ActivationOperator } from "./ablations/activations";
export type { LayerSet } from "./ablations/sets";

// Sweeps: many ablations of a network over the same images; `sweepLive` shows one in the cell while it runs.
export { sweepLive } from "./notebook/sweep-live";
export { exactLive } from "./notebook/exact-live";
export { sweep, sweepSteps } from "./sweeps/sweep";
export { exactVerdicts } from "./sweeps/exact";
export { sweepEach, sweepNetworks } from "./sweeps/each";
export { sweepRun } from "./sweeps/kept";
export { greedyOrder } from "./sweeps/greedy";
export { branchVariations } from "./sweeps/branches";
export type { LiveSweep, SweepLiveOptions } from "./notebook/sweep-live";
export type { SweepOptions } from "./sweeps/sweep";

// Results: from the predictions of a sweep to rows, from rows to verdicts and comparisons; plain values, no tensors.
export { classRowsOf, rowsOf } from "./results/rows";
export { wilson } from "./statistics/intervals";
export { metricRowsOf } from "./results/metric";
export { MARGINS, verdictsOf } from "./results/verdict";
export { channelTests } from "./results/channels";
export { dropGaps, dropOf, meanDrop, mostOften, ranking, rankOf } from "./results/findings";
export { agreementOf, verdictsOfEach, widestInterval } from "./results/agreement";
export { isFree, synergiesOf } from "./results/synergy";
export { growthOf, spreadOf } from "./results/growth";
export { growthSets } from "./ablations/sets";
export { randomOrders } from "./ablations/orders";
export { belowMargin } from "./statistics/margin";
export type { EvenSweep, Sweep } from "./results/matrix";
export type { Row } from "./results/rows";
export type { Verdict } from "./results/verdict";
export type { ExactVerdict, ExactVerdicts } from "./results/exact";

// Tables: values that `show` displays, arquero's tables underneath.
export { ablationTable } from "./tables/ablations";
export { historyTable, layerTable } from "./tables/networks";
export { tableOf } from "./tables/table";
export { classTable } from "./tables/classes";
export { channelTable, powerSentence, verdictCountTable } from "./tables/verdicts";
export { claimTable } from "./tables/claims";
export { operatorTable } from "./tables/operators";
export { greedyTable, synergyCounts, synergyTable } from "./tables/sets";
export { dataFrame } from "./tables/data-frame";
export { factTable, provenance } from "./tables/provenance";
export type { Table } from "./tables/table";

// Figures: values that `show` displays and saves, plotly's data and layout underneath.
export { classHistogram, imageGrid } from "./figures/images";
export { historyFigure } from "./figures/history";
export { accuracyByLayer, dropByLayer } from "./figures/layers";
export { agreementMap, dropByOperator } from "./figures/operators";
export { dropByDose } from "./figures/doses";
export { accuracyByCount, synergyMap } from "./figures/sets";
export type { Figure } from "./figures/style";

// Notebook: what a cell shows, long work with its progress and ■, and sentences made from results.
export { say, show } from "./notebook/show";
export { withProgress } from "./notebook/with-progress";
export { code, listed, phrase } from "./text/phrase";
export { are, capital, counted, grouped, howMany, ordinal, percent, pp, pValue, spelled } from "./text/format";
export { startEngine, tf } from "./engine/backend";
export * as internals from "./notebook/internals";
