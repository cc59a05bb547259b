// What a look inside a running network takes, beside `tf`: the two interpreters of the forward pass, single batches of images.
export { tensorOf } from "../engine/backend";
export { forward } from "../networks/forward";
export { eagerWeights, eagerWords } from "../engine/eager";
export { imageTensor, openPredictor } from "../engine/predictor";
export { batchOf, copyShifted } from "../data/batches";
export { layerValues } from "../ablations/layer-values";
export { CIFAR10_NORMALIZATION, EPSILON } from "../networks/network";
