// What a network is before its first step.
import { initialParameters, type Parameters } from "../networks/network";
import type { Spec } from "../networks/spec";
import { randomStream } from "../statistics/random";

/** The parameters with which a training of that seed begins. */
export function startParameters(spec: Spec, seed: number): Parameters {
  return initialParameters(spec, randomStream(seed, "initialize"));
}
