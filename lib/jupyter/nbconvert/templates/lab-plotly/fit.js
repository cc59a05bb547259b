// Fits figures, which are made for 900 light pixels, to the page that shows them: narrower ones, dark ones. No plotly in here, only its JSON.
"use strict";

const NARROW = 700; // pixels, from which on down titles wrap, the legend stands below and panels stand in one column
const LINE = 21; // pixels between two lines of a title
const MENU = 34; // pixels of a row of buttons
const LETTER = 0.53; // a letter's mean width as a share of its size

/** A figure's layout for a page of this width. What fits is returned as it is. */
function fitLayout(layout, width) {
  if (width >= NARROW || layout.width !== undefined) return layout;
  const { column, gained } = inOneColumn(layout);
  const title = wrapped(layout.title?.text ?? "", { room: width - 32, size: layout.title?.font?.size ?? 16 });
  const top = 24 + LINE * title.split("<br>").length + 26 + (layout.updatemenus ? MENU : 0);
  return {
    ...column,
    ...(layout.updatemenus && { updatemenus: layout.updatemenus.map(belowTitle) }),
    title: { ...layout.title, text: title },
    margin: { ...layout.margin, l: Math.min(layout.margin?.l ?? 64, 52), t: top },
    height: (layout.height ?? 440) + gained + top - (layout.margin?.t ?? 80) + (hasLegend(layout) ? 48 : 0),
    width: Math.max(width, leastWidth(column)),
    legend: {
      ...layout.legend,
      ...{ orientation: "h", x: 0, xanchor: "left", xref: "container" },
      ...{ y: 0, yanchor: "bottom", yref: "container" },
    },
  };
}

/** A row of buttons where the legend was. */
const belowTitle = (menu) => ({ ...menu, x: 0, xanchor: "left", pad: { ...menu.pad, b: 24 } });

const hasLegend = ({ showlegend, legend }) => showlegend !== false && legend !== undefined;

/** The text with breaks at spaces, so that no line is wider than the room; tags and entities stay whole. */
function wrapped(text, { room, size }) {
  let [used, letter] = [0, size];
  const pieces = text.split(/(<[^>]*>)/).map((piece) => {
    if (/^<br/.test(piece)) used = 0;
    const own = /font-size:\s*([\d.]+)px/.exec(piece);
    if (piece.startsWith("<")) letter = own ? Number(own[1]) : piece === "</span>" ? size : letter;
    if (piece.startsWith("<")) return piece;
    return piece.split(" ").reduce((line, word, index) => {
      const needed = LETTER * letter * (word.replace(/&[#\w]+;/g, "x").length + 1);
      const breaks = index > 0 && used + needed > room;
      used = breaks ? needed : used + needed;
      return index === 0 ? word : line + (breaks ? "<br>" : " ") + word;
    }, "");
  });
  return pieces.join("");
}

const axesOf = (layout, letter) => Object.keys(layout).filter((key) => new RegExp(`^${letter}axis\\d*$`).test(key));

const largest = (numbers) => numbers.reduce((best, number) => Math.max(best, number), 0);

/** As many pixels as the names below the axes need: names that would overlap are scrolled to instead. */
function leastWidth(layout) {
  const needs = axesOf(layout, "x").map((key) => {
    const { ticktext = [], tickangle, domain = [0, 1] } = layout[key];
    const longest = largest(ticktext.flatMap((text) => text.split("<br>")).map(({ length }) => length));
    const each = tickangle === 0 ? 6.2 * longest + 8 : 12;
    return (ticktext.length * each) / (domain[1] - domain[0]);
  });
  return Math.ceil(largest(needs)) + (layout.margin?.l ?? 0) + (layout.margin?.r ?? 0);
}

/** Panels that stand side by side, one below the other: their axes, and what is written at them. */
function inOneColumn(layout) {
  const panels = axesOf(layout, "x").map((x) => ({ x, y: x.replace("x", "y") }));
  const placed = panels.map(({ x, y }) => ({
    x,
    y,
    across: layout[x].domain ?? [0, 1],
    down: layout[y]?.domain ?? [0, 1],
  }));
  if (new Set(placed.map(({ across }) => across[0])).size < 2) return { column: layout, gained: 0 };
  const inner = (layout.height ?? 440) - (layout.margin?.t ?? 80) - (layout.margin?.b ?? 48);
  const tallest = largest(placed.map(({ down }) => down[1] - down[0])) * inner;
  const order = [...placed].sort((a, b) => b.down[1] - a.down[1] || a.across[0] - b.across[0]);
  const step = Math.max(tallest, 180) + 84; // a panel, its epochs below and its name above
  const height = order.length * step - 84;
  const now = new Map(
    order.map((panel, index) => [panel, [1 - (index * step + step - 84) / height, 1 - (index * step) / height]]),
  );
  const axes = order.flatMap((panel) => [
    [panel.x, { ...layout[panel.x], domain: [0, 1] }],
    [
      panel.y,
      {
        ...layout[panel.y],
        domain: now.get(panel).map((place) => Math.min(1, Math.max(0, place))),
        showticklabels: true,
      },
    ],
  ]);
  const annotations = (layout.annotations ?? []).map((note) => movedNote(note, order, now));
  return { column: { ...layout, ...Object.fromEntries(axes), annotations }, gained: height - inner };
}

/** A note at a panel, moved with it. */
function movedNote(note, panels, now) {
  if (note.xref !== "paper" || note.yref !== "paper") return note;
  const gap = ([from, to], at) => Math.max(from - at, at - to, 0);
  const away = ({ across, down }) => gap(across, note.x) + gap(down, note.y);
  const nearest = panels.reduce((best, panel) => (away(panel) < away(best) ? panel : best));
  const { across, down } = nearest;
  const share = (at, [from, to]) => (at - from) / (to - from);
  const [from, to] = now.get(nearest);
  const y = from + Math.min(1, share(note.y, down)) * (to - from);
  return { ...note, x: share(note.x, across), y, ...(share(note.y, down) > 1 && { yshift: 4, yanchor: "bottom" }) };
}

// The colours of figures on white, and what stands for each on black (lib/figures/style.ts).
const DARK = {
  ...{ "#ffffff": "#14181c", "#1f2933": "#e6e9ec", "#6b7785": "#a3adb8", "#f4f6f8": "#1d242b", "#e3e7eb": "#333c45" },
  ...{ "#9aa5b1": "#6b7785", "#c9d1d9": "#4b5661", "#d5dae0": "#3f4953", "#0072b2": "#4aa8e0", "#d55e00": "#ff8f4a" },
  ...{ "#009e73": "#3fcfa4", "rgba(255,255,255,0.75)": "rgba(20,24,28,0.75)" },
};

/** A figure in the colours of a dark page; one with pictures, which bring their white along, stays as it is. */
function darkened(figure) {
  if (figure.layout.images?.length > 0 || figure.data.some(({ type }) => type === "image")) return figure;
  const swap = (colour) => DARK[colour.toLowerCase()] ?? colour;
  return JSON.parse(JSON.stringify(figure).replace(/#[0-9a-fA-F]{6}\b|rgba\(255,255,255,0\.75\)/g, swap));
}

/* global module */
if (typeof module !== "undefined") module.exports = { fitLayout, darkened }; // for tests
