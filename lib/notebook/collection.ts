// What is asked of many trained networks together: their accuracy, their answers to the same images, float32 against bfloat16.
export { loadCollection as load } from "../runs/collection";
export { collectionFigure as figure } from "../figures/collection";
export { answersOf, comparePairs, type NetworkPair } from "../runs/network-pairs";
export { precisionPairs } from "../runs/precision-pairs";
export { collectionTable as table, pairTable, precisionTable } from "../tables/collection";
export {
  enrichmentOf,
  loadFamily as family,
  loadPublished as published,
  type SweptMember,
  type SweptNetwork,
} from "../runs/family";
export { sideBySide } from "../results/side-by-side";
export { sideBySideTable } from "../tables/side-by-side";
export { rankAgreement } from "../results/agreement";
export { trivialityOf } from "../results/family";
export { enrichmentTable, trivialityTable } from "../tables/family";
export { dropsByNetwork } from "../figures/family";
