// What is asked of many trained networks together: their accuracy, their answers to the same images, float32 against bfloat16.
export { familyTable, loadFamily } from "../runs/family";
export { familyFigure } from "../figures/family";
export { answersOf, comparePairs, type NetworkPair, pairTable } from "../runs/family-pairs";
export { precisionPairs, precisionTable } from "../runs/family-precision";
