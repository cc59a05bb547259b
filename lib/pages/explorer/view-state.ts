// What the explorer shows, as a value and as the end of an address: whoever is sent the address sees the same.
import { type Kept, keyOf } from "./answers";

/** Everything that a reader can choose. */
export interface ViewState {
  readonly network: string;
  /** What stands beside it, another network or operator (`keyOf`); "" for nothing. */
  readonly against: string;
  readonly operator: string;
  /** A fraction. */
  readonly margin: number;
  readonly order: "depth" | "damage";
  /** Labels of the classes that are left out. */
  readonly without: readonly number[];
  /** Only images of which the intact network is sure: 1 for a probability of at least 0.9, 2 for 0.99, 3 for 0.999; 0 for all. */
  readonly sure: number;
  /** The layer that is looked at; "" for none. */
  readonly layer: string;
}

/** The part of an address that says what differs from the first view. */
export function addressOf(state: ViewState, first: ViewState): string {
  const words = new URLSearchParams();
  for (const key of Object.keys(first) as (keyof ViewState)[])
    if (String(state[key]) !== String(first[key])) words.set(key, String(state[key]));
  return `#${words.toString()}`;
}

/** The state that an address says; what it does not say, or what cannot be, is as in the first view. */
export function stateOf(address: string, first: ViewState): ViewState {
  const words = new URLSearchParams(address.replace(/^#/, ""));
  const word = (key: keyof ViewState) => words.get(key) ?? String(first[key]);
  const margin = Number(word("margin"));
  return {
    ...{ network: word("network"), against: word("against"), operator: word("operator"), layer: word("layer") },
    margin: margin > 0 && margin <= 0.1 ? margin : first.margin,
    order: word("order") === "damage" ? "damage" : "depth",
    without: word("without").split(",").filter(Boolean).map(Number).filter(Number.isInteger),
    sure: [1, 2, 3].find((nines) => String(nines) === word("sure")) ?? 0,
  };
}

/**
 * The nearest state that the page can show, so that nothing is shown under a name that is not its own: a network that is held, under an operator that it
 * was swept with, beside another sweep that is held, and sure images where it is known of which it is sure.
 */
export function possible(state: ViewState, sweeps: readonly Kept[], first: ViewState): ViewState {
  const network = sweeps.some(({ run }) => run === state.network) ? state.network : first.network;
  const own = sweeps.filter(({ run }) => run === network);
  const wanted = [state.operator, "zero"].flatMap((name) => own.filter(({ operator }) => operator === name));
  const kept = wanted[0] ?? own[0];
  const others = sweeps.map(keyOf).filter((key) => key !== keyOf(kept));
  return {
    ...{ ...state, network, operator: kept.operator },
    against: others.includes(state.against) ? state.against : "",
    sure: kept.nines === "" ? 0 : state.sure,
  };
}
