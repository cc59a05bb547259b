// Tables of a network's layers and of its training.
import { sizeOf } from "../files/values";
import { changesChannels, kernelShape, type Layer } from "../networks/layers";
import type { Epoch } from "../training/history";
import { type Table, tableOf } from "./table";

/** The layers of a network: kernel, stride and what comes in and goes out. */
export function layerTable(layers: readonly Layer[]): Table {
  return tableOf(
    layers.map((layer) => ({
      layer: layer.name,
      stage: layer.stage,
      block: layer.block,
      kernel: kernelShape(layer).slice(0, 2).join(" × "),
      inputs: layer.inputs,
      outputs: layer.outputs,
      stride: layer.stride,
      weights: sizeOf(kernelShape(layer)),
      channels: changesChannels(layer) ? "changes" : "keeps",
    })),
  );
}

/** A training by epoch; what was not measured stays empty. What was watched is named: test images, or held-out ones. */
export function historyTable(epochs: readonly Epoch[]): Table {
  const heldOut = epochs.some((epoch) => epoch.heldOutLoss !== undefined);
  const [split, loss, accuracy] = heldOut
    ? (["held-out", "heldOutLoss", "heldOutAccuracy"] as const)
    : (["test", "testLoss", "testAccuracy"] as const);
  return tableOf(
    epochs.map((epoch) => ({
      epoch: epoch.epoch,
      "learning rate": epoch.rate,
      "training loss": epoch.trainLoss,
      "training accuracy %": 100 * epoch.trainAccuracy,
      [`${split} loss`]: epoch[loss] ?? null,
      [`${split} accuracy %`]: epoch[accuracy] === undefined ? null : 100 * epoch[accuracy]!,
      seconds: Math.round(epoch.seconds),
      "images/s": Math.round(epoch.imagesPerSecond),
    })),
  );
}
