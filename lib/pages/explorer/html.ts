// The explorer's parts as HTML: functions of what was found, so that they can be tested without a browser.
import type { SideBySide } from "../../results/side-by-side";
import { largestOf } from "../../statistics/extremes";
import { wilson } from "../../statistics/intervals";
import { escapeHtml, grouped, percent, pp, pValue } from "../../text/format";
import { placeOfDrop } from "../../figures/drop-axis";
import { type Holdings, keyOf } from "./answers";
import { type Findings, type LayerFindings, type Line, ordered } from "./findings";
import type { ViewState } from "./view-state";

const SHOWN_IMAGES = 60;

/** The place of a drop (a fraction) on the figures' axis, in per cent of its width. */
export function placeOf(drop: number): number {
  const [low, high] = [placeOfDrop(-1), placeOfDrop(100)];
  return (100 * (placeOfDrop(Math.max(-1, 100 * drop)) - low)) / (high - low);
}

/** The choices: what networks, operators and classes there are, and what is chosen. */
export function controlsHtml({ sweeps, classes }: Holdings, state: ViewState): string {
  const runs = [...new Set(sweeps.map(({ run }) => run))];
  const own = sweeps.filter(({ run }) => run === state.network);
  const operators = own.map(({ operator }) => operator);
  const others = sweeps.filter((kept) => keyOf(kept) !== keyOf({ run: state.network, ...state }));
  const known = own.some(({ nines }) => nines !== "");
  const box = (name: string, label: number) =>
    `<label><input type="checkbox" data-class="${label}"${state.without.includes(label) ? "" : " checked"}> ${escapeHtml(name)}</label>`;
  return `
<label>Network ${selectHtml("network", named(runs), state.network)}</label>
<label>beside ${selectHtml("against", [["", "none"], ...others.map((kept) => [keyOf(kept), keyOf(kept)] as const)], state.against)}</label>
<label>Operator ${selectHtml("operator", named(operators), state.operator)}</label>
<label>Order ${selectHtml("order", named(["depth", "damage"]), state.order)}</label>
<label class="slider">Margin <input id="margin" type="range" min="0.1" max="5" step="0.1" value="${100 * state.margin}"> <output>${pp(state.margin, 1)}</output></label>
<label>Images of which it is ${selectHtml("sure", known ? SURE : SURE.slice(0, 1), String(state.sure))}</label>
<fieldset><legend>Images of</legend>${classes.map(box).join("")}</fieldset>`;
}

const SURE = [
  ["0", "sure or not"],
  ["1", "sure: at least 0.9"],
  ["2", "sure: at least 0.99"],
  ["3", "sure: at least 0.999"],
] as const;

const named = (names: readonly string[]) => names.map((name) => [name, name] as const);

function selectHtml(id: string, options: readonly (readonly [value: string, text: string])[], chosen: string): string {
  const lines = options.map(
    ([value, text]) =>
      `<option value="${escapeHtml(value)}"${value === chosen ? " selected" : ""}>${escapeHtml(text)}</option>`,
  );
  return `<select id="${id}">${lines.join("")}</select>`;
}

/** The answer in two sentences. */
export function summaryHtml(findings: Findings, state: ViewState): string {
  const { counts, lines, channels } = findings;
  const [{ images, baseline }] = lines;
  const [low, high] = wilson(Math.round(baseline * images), images);
  const count = (name: "trivial" | "undecided" | "non-trivial") => `<b class="${name}">${counts[name]} ${name}</b>`;
  const tested = channels
    ? ` Layers that change the number of channels cost ${pp(channels.statistic, 1)} more than the others (${pValue(channels.p)}, one-sided permutation).`
    : "";
  return `<p>Of ${lines.length} layers of <b>${escapeHtml(state.network)}</b>, each ${state.operator === "zero" ? "zeroed" : `changed by ${escapeHtml(state.operator)}`} by itself, at a margin of ${pp(state.margin, 1)}:
${count("trivial")}, ${count("undecided")}, ${count("non-trivial")}.</p>
<p class="small">Intact, ${percent(baseline)} % of ${grouped(images)} images are right (95 % interval ${percent(low)} to ${percent(high)} %).${tested}</p>`;
}

/** A line per layer: verdict, drop with its interval on an axis, and, where there is one, the same of the network beside it. */
export function layersHtml(findings: Findings, state: ViewState, other?: Findings): string {
  const beside = new Map(other?.lines.map((line) => [line.layer, line]));
  const rows = ordered(findings.lines, state.order).map((line) => rowHtml(line, state, beside.get(line.layer)));
  const ticks = [0, 0.5, 1, 2, 5, 10, 20, 50];
  const scale = ticks.map((tick) => `<i style="left:${placeOf(tick / 100).toFixed(2)}%">${tick}</i>`).join("");
  return `<table><caption class="hidden">What the loss of each layer costs</caption>
<thead><tr><th scope="col">layer</th><th scope="col">verdict</th><th scope="col" class="number">drop pp</th>
<th scope="col" class="axis"><span class="hidden">drop on an axis, percentage points</span><span class="scale" aria-hidden="true">${scale}</span></th>
<th scope="col" class="number wide">lost</th><th scope="col" class="number wide">gained</th></tr></thead>
<tbody>${rows.join("")}</tbody></table>`;
}

function rowHtml(line: Line, { margin, layer }: ViewState, other?: Line): string {
  const name = escapeHtml(line.layer);
  const mark = line.stage > 0 && line.changesChannels ? ' <abbr title="changes the number of channels">◆</abbr>' : "";
  return `<tr${line.layer === layer ? ' class="chosen"' : ""} data-layer="${name}">
<th scope="row"><button type="button" data-layer="${name}" aria-pressed="${line.layer === layer}">${name}</button>${mark}</th>
<td><span class="${line.verdict}">${line.verdict}</span></td><td class="number">${percent(line.drop)}</td>
<td class="axis"><span class="bar" title="${pp(line.drop)}, 95 % interval ${line.interval.map((end) => percent(end)).join(" to ")}">
<s style="left:${placeOf(margin).toFixed(2)}%"></s>${dotHtml(line, "one")}${other ? dotHtml(other, "other") : ""}</span></td>
<td class="number wide">${grouped(line.lost)}</td><td class="number wide">${grouped(line.gained)}</td></tr>`;
}

function dotHtml({ drop, interval: [low, high], verdict }: Line, kind: "one" | "other"): string {
  const [from, to] = [placeOf(low), placeOf(high)];
  return `<em class="${kind} ${verdict}" style="left:${from.toFixed(2)}%;width:${Math.max(0, to - from).toFixed(2)}%"></em><b class="${kind} ${verdict}" style="left:${placeOf(drop).toFixed(2)}%"></b>`;
}

/** Two networks layer by layer: how well they agree, and where they differ by more than the images explain. */
export function besideHtml(state: ViewState, found: SideBySide | undefined): string {
  if (!found) return `<p class="small">No layer has the same name in both.</p>`;
  const apart = found.layers.filter(({ adjusted }) => adjusted < 0.05);
  const dots = found.layers
    .map(({ layer, first, second, adjusted }) => {
      const place = `cx="${placeOf(first).toFixed(1)}" cy="${(100 - placeOf(second)).toFixed(1)}"`;
      return `<circle ${place} r="1.4" class="${adjusted < 0.05 ? "apart" : "alike"}"><title>${escapeHtml(layer)}: ${pp(first)} and ${pp(second)}</title></circle>`;
    })
    .join("");
  return `<h2>Beside ${escapeHtml(state.against)}</h2>
<div class="pair"><svg viewBox="0 0 100 100" role="img" aria-label="Drop of each layer in both sweeps"><rect width="100" height="100"/><path d="M0 100L100 0"/>${dots}</svg>
<p>Kendall's tau between the drops of ${found.layers.length} layers is <b>${Number.isNaN(found.agreement) ? "not defined" : found.agreement.toFixed(2)}</b>. In <b>${apart.length}</b> of them the drops differ by more than
the choice of images explains (exact sign-flip test over the images, Holm, 5 %): filled dots. To the right: ${escapeHtml(keyOf({ run: state.network, ...state }))}; upwards: ${escapeHtml(state.against)};
both axes as above.</p></div>`;
}

/** One layer: what its loss does to each class, what is answered instead, and which images change. */
export function layerHtml(found: LayerFindings, { classes, thumbnails }: Holdings): string {
  const { line, confusion, lost, gained } = found;
  const most = Math.max(1, largestOf(confusion.flatMap((row, label) => row.filter((_, answer) => answer !== label))));
  const cells = confusion.map((row, label) => {
    const cell = (count: number, answer: number) =>
      `<td class="number${answer === label ? " right" : ""}" style="--heat:${answer === label ? 0 : (count / most).toFixed(3)}">${count || ""}</td>`;
    return `<tr><th scope="row">${escapeHtml(classes[label])}</th>${row.map(cell).join("")}</tr>`;
  });
  const drops = found.classes.map(
    ({ label, drop, lost: gone, gained: new_ }) =>
      `<tr><th scope="row">${escapeHtml(classes[label])}</th><td class="number">${percent(drop, 1)}</td><td class="number">${gone}</td><td class="number">${new_}</td></tr>`,
  );
  const grid = (title: string, images: readonly number[]) =>
    `<h3>${title}: ${grouped(images.length)}${images.length > SHOWN_IMAGES ? `, the first ${SHOWN_IMAGES}` : ""}</h3><div class="images">${images
      .slice(0, SHOWN_IMAGES)
      .map((image) => thumbnailHtml(image, thumbnails))
      .join("")}</div>`;
  return `<h2>${escapeHtml(line.layer)}</h2>
<p>Drop ${pp(line.drop)} (95 % interval ${line.interval.map((end) => percent(end)).join(" to ")}), <span class="${line.verdict}">${line.verdict}</span>.</p>
${grid("Images lost", lost)}${grid("Images gained", gained)}
<h3>Answers without it</h3><div class="scroll"><table class="confusion"><caption class="hidden">True classes down, answers across</caption>
<thead><tr><th scope="col">true \\ answer</th>${classes.map((name) => `<th scope="col"><span>${escapeHtml(name)}</span></th>`).join("")}</tr></thead><tbody>${cells.join("")}</tbody></table></div>
<h3>Classes</h3><table><thead><tr><th scope="col">class</th><th scope="col" class="number">drop pp</th><th scope="col" class="number">lost</th><th scope="col" class="number">gained</th></tr></thead><tbody>${drops.join("")}</tbody></table>`;
}

function thumbnailHtml(image: number, { across, side }: Holdings["thumbnails"]): string {
  const [x, y] = [image % across, Math.floor(image / across)];
  return `<span role="img" aria-label="test image ${image}" title="test image ${image}" style="background-position:-${x * side}px -${y * side}px"></span>`;
}
