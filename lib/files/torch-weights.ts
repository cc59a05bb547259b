// Which weights of a checkpoint are taken where it holds raw and averaged ones: the averaged ones, as timm does.

/** The weights in a file: the key under which they lie ("" where the file is the state_dict itself), and whether they are averages. */
export interface WeightSet<T> {
  readonly key: string;
  readonly averaged: boolean;
  readonly tensors: ReadonlyMap<string, T>;
}

/** Averages over the steps of a training, in timm's order. Source: load_state_dict in timm/models/_helpers.py; others' names after its own. */
const AVERAGED = ["state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema"];
const RAW = ["state_dict", "model_state_dict", "model", "net"];

/** What `torch.optim.swa_utils.AveragedModel` counts beside the weights that it averages. */
export const AVERAGE_COUNTER = "n_averaged";

/** The dicts in a checkpoint that may be state_dicts, the one to be taken first; the checkpoint itself where it has none inside. */
export function dictsIn(root: ReadonlyMap<unknown, unknown>): { key: string; dict: ReadonlyMap<unknown, unknown> }[] {
  const found = [...AVERAGED, ...RAW].flatMap((key) => {
    const dict = root.get(key);
    return dict instanceof Map ? [{ key, dict }] : [];
  });
  return found.length ? found : [{ key: "", dict: root }];
}

/** Tensors by name as a set of weights. */
export function weightSet<T>(key: string, tensors: ReadonlyMap<string, T>): WeightSet<T> {
  return { key, averaged: AVERAGED.includes(key) || tensors.has(AVERAGE_COUNTER), tensors };
}

/**
 * The set that is asked for: "raw", "averaged", or the key of one; the first averaged one, else the first, where nothing is.
 * @throws RangeError naming the sets that there are when none is the one asked for
 */
export function chosenSet<T>(sets: readonly WeightSet<T>[], asked?: string): WeightSet<T> {
  const fits = ({ key, averaged }: WeightSet<T>) => {
    if (asked === undefined || asked === "averaged") return averaged;
    return asked === "raw" ? !averaged : key === asked;
  };
  const found = sets.find(fits) ?? (asked === undefined ? sets[0] : undefined);
  if (found) return found;
  throw new RangeError(
    `Cannot read the checkpoint: expected the weights "${asked!.slice(0, 100)}" but found ${sets.map(nameOf).join(" and ")} ones`,
  );
}

/** What is said of a choice among several sets, such as 'averaged (in "state_dict_ema"), not raw (in "state_dict")'. */
export function choiceText(chosen: WeightSet<unknown>, sets: readonly WeightSet<unknown>[]): string | undefined {
  const others = sets.filter(({ key }) => key !== chosen.key);
  return others.length ? `${nameOf(chosen)}, not ${others.map(nameOf).join(" or ")}` : undefined;
}

function nameOf({ key, averaged }: WeightSet<unknown>): string {
  return `${averaged ? "averaged" : "raw"}${key && ` (in "${key}")`}`;
}
