/// <reference lib="dom" />
// The explorer's only file that touches the page: it reads what is chosen, asks for what follows, and puts that into its places.
import type { EvenSweep } from "../../results/matrix";
import { bytesIn, type Holdings, type Kept, keyOf, sweepOf } from "./answers";
import { beside, chosenImages, csvOf, findingsOf, layerFindings, ordered } from "./findings";
import { besideHtml, controlsHtml, layerHtml, layersHtml, summaryHtml } from "./html";
import { addressOf, possible, stateOf, type ViewState } from "./view-state";

const holdings = JSON.parse(at("holdings").textContent ?? "") as Holdings;
const labels = bytesIn(holdings.labels);
const first = firstState();
const opened = new Map<string, Promise<EvenSweep>>();
let state = stateOf(location.hash, first);

function at(id: string): HTMLElement {
  return document.getElementById(id)!;
}

function firstState(): ViewState {
  const { run, operator } = holdings.sweeps.find((kept) => kept.run === "resnet56-seed1") ?? holdings.sweeps[0];
  return { network: run, against: "", operator, margin: 0.005, order: "depth", without: [], sure: 0, layer: "" };
}

/** The sweep that is chosen, as the page holds it. */
const chosen = (): Kept => holdings.sweeps.find((kept) => keyOf(kept) === keyOf({ run: state.network, ...state }))!;

/** A sweep that the page holds, unpacked once. */
function open(key: string): Promise<EvenSweep> {
  const kept = holdings.sweeps.find((each) => keyOf(each) === key)!;
  if (!opened.has(key)) opened.set(key, sweepOf(kept, labels, holdings.classes.length));
  return opened.get(key)!;
}

async function show(): Promise<void> {
  state = possible(state, holdings.sweeps, first);
  const shown = state;
  const sweeps = await Promise.all([keyOf(chosen()), ...(shown.against ? [shown.against] : [])].map(open));
  if (shown !== state) return; // another choice was made meanwhile
  history.replaceState(null, "", addressOf(state, first));
  at("controls").innerHTML = controlsHtml(holdings, state);
  try {
    fill(sweeps);
  } catch (error) {
    for (const id of ["layers", "beside", "layer"]) at(id).innerHTML = "";
    at("summary").textContent = `Nothing can be said of these images: ${(error as Error).message}`;
  }
}

function fill([sweep, second]: readonly EvenSweep[]): void {
  const images = chosenImages(labels, bytesIn(chosen().nines), state);
  const findings = findingsOf(sweep, images, state);
  const other = second && findingsOf(second, images, state);
  at("summary").innerHTML = summaryHtml(findings, state);
  at("layers").innerHTML = layersHtml(findings, state, other);
  at("beside").innerHTML = other ? besideHtml(state, beside(findings, other)) : "";
  const known = findings.lines.some(({ layer }) => layer === state.layer);
  at("layer").innerHTML = known
    ? layerHtml(layerFindings(findings, state.layer), holdings)
    : "<p class=small>Choose a layer: which images it decides, class by class.</p>";
  const csv = at("csv") as HTMLAnchorElement;
  csv.href = `data:text/csv;charset=utf-8,${encodeURIComponent(csvOf(ordered(findings.lines, state.order)))}`;
  csv.download = `${state.network}-${state.operator}.csv`;
}

/** Takes a choice over, and keeps the keyboard where it was. */
async function choose(change: Partial<ViewState>): Promise<void> {
  state = { ...state, ...change };
  const active = document.activeElement;
  const place = active?.id ? `#${active.id}` : selectorOf(active);
  await show();
  if (place) document.querySelector<HTMLElement>(place)?.focus();
}

function selectorOf(element: Element | null): string | undefined {
  const { class: label, layer } = (element as HTMLElement | null)?.dataset ?? {};
  if (label !== undefined) return `[data-class="${label}"]`;
  return layer === undefined ? undefined : `button[data-layer="${CSS.escape(layer)}"]`;
}

function onInput({ target }: Event): void {
  const { id, value, checked, dataset } = target as HTMLInputElement;
  if (dataset.class !== undefined) {
    const label = Number(dataset.class);
    const without = checked ? state.without.filter((each) => each !== label) : [...state.without, label].sort();
    if (without.length < holdings.classes.length) void choose({ without });
    else void show();
  } else if (id === "margin") void choose({ margin: Number(value) / 100 });
  else if (id === "sure") void choose({ sure: Number(value) });
  else void choose({ [id]: value });
}

at("controls").addEventListener("input", onInput);
at("layers").addEventListener("click", ({ target }) => {
  const layer = (target as HTMLElement).closest<HTMLElement>("[data-layer]")?.dataset.layer;
  if (layer !== undefined) void choose({ layer: layer === state.layer ? "" : layer });
});
addEventListener("hashchange", () => {
  state = stateOf(location.hash, first);
  void show();
});
void show();
