// Exports networks as state_dicts that PyTorch loads.
import type { Network } from "./network";
import { checkParameters } from "./parameters";
import { encodeSafetensors } from "./safetensors";
import { placesOf, STATED, toChannelsFirst } from "./torch-layout";

/**
 * Encodes a network as a PyTorch state_dict in safetensors: akamaster's names, kernels [out, in, h, w], float32. PyTorch
 * reads it by `safetensors.torch.load_file` and, with `strict=True`, `load_state_dict`. Name, spec and normalization go
 * along as metadata, so that `importTorch` gives back the same network.
 * Throws an Error naming the parameter that is missing or not finite.
 */
export function encodeTorchState(network: Network): Uint8Array {
  checkParameters(network);
  const { name, spec, normalization, parameters } = network;
  const tensors = placesOf(spec).map(
    (place) => [place.source, toChannelsFirst(parameters.get(place.name)!, place.shape)] as const,
  );
  return encodeSafetensors(new Map(tensors), {
    format: "pt", // by which other readers of safetensors know PyTorch's order of axes
    [STATED]: JSON.stringify({ name, spec, normalization }),
  });
}
