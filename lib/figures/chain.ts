// A network as a small picture: its blocks in a row, each convolution a bar, what bypasses them drawn above.
import { type Block, blocksOf, changesChannels, type Layer } from "../networks/layers";
import { isGraphSpec, type Spec } from "../networks/spec";
import { counted } from "../text/format";
import { COLOURS } from "./style";

/** A picture, and what it shows in words, for those who do not see it. */
export interface Picture {
  /** One SVG element that needs nothing from outside. */
  readonly svg: string;
  readonly text: string;
}

/** Pixels. */
const [BAR, BETWEEN, APART, MIDDLE, HEIGHT] = [6, 6, 16, 40, 92];
const NARROWEST = 64; // of a stage, for the words below it

const GREY = "#808080"; // reads on white and on black
const [USUAL, CHANGES] = [COLOURS[5], COLOURS[1]];

/** Blocks of one stage: what a picture labels. */
interface Stage {
  readonly number: number;
  readonly blocks: readonly Block[];
}

/**
 * The blocks of a network as an SVG picture: a bar per convolution, the higher the more channels it gives (doubled: 6 pixels more), in another
 * colour where it changes their number; an arc above a block is its shortcut, dashed where it is padded with zero channels, with a dot
 * where it is a convolution. Undefined for a network that a file describes node by node, whose nodes are in no blocks.
 */
export function networkPicture(spec: Spec): Picture | undefined {
  if (isGraphSpec(spec)) return undefined;
  const stages = stagesIn(blocksOf(spec));
  const text = stages.map(stageText).join("; ");
  let left = BETWEEN;
  const parts = stages.map((stage) => {
    const drawn = drawStage(stage, left, spec.width);
    left += drawn.width + APART;
    return drawn.svg;
  });
  const line = `<line x1="0" x2="${left - APART + BETWEEN}" y1="${MIDDLE}" y2="${MIDDLE}" stroke="${GREY}"/>`;
  const size = `width="${left - APART + BETWEEN}" height="${HEIGHT}"`;
  const font = `font-family="sans-serif" font-size="11" text-anchor="middle" fill="${GREY}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font} role="img"><title>${text}</title>${line}${parts.join("")}</svg>`;
  return { svg, text };
}

function stagesIn(blocks: readonly Block[]): Stage[] {
  const numbers = [...new Set(blocks.map(({ branch }) => branch[0].stage))];
  return numbers.map((number) => ({ number, blocks: blocks.filter(({ branch }) => branch[0].stage === number) }));
}

/** "stage 2: 3 blocks of 2 convolutions, 32 channels, 16 x 16 pixels" */
function stageText({ number, blocks }: Stage): string {
  const { outputs, side } = lastOf(blocks);
  const each = counted(blocks[0].branch.length, "convolution");
  const form = `${outputs} channels, ${side} x ${side} pixels`;
  return `${nameOf(number)}: ${number === 0 ? each : `${counted(blocks.length, "block")} of ${each}`}, ${form}`;
}

const nameOf = (stage: number): string => (stage === 0 ? "stem" : `stage ${stage}`);

const lastOf = (blocks: readonly Block[]): Layer => blocks.at(-1)!.branch.at(-1)!;

/** A stage from `left` on: its blocks in its middle, its name and size below. */
function drawStage({ number, blocks }: Stage, left: number, width: number): { svg: string; width: number } {
  const widths = blocks.map(({ branch }) => branch.length * (BAR + 1) - 1);
  const taken = widths.reduce((sum, own) => sum + own + BETWEEN, -BETWEEN);
  const room = Math.max(taken, NARROWEST);
  let x = left + (room - taken) / 2;
  const drawn = blocks.map((block, index) => {
    const svg = drawBlock(block, x, widths[index], width);
    x += widths[index] + BETWEEN;
    return svg;
  });
  const { outputs, side } = lastOf(blocks);
  const words = (y: number, text: string) => `<text x="${left + room / 2}" y="${y}">${text}</text>`;
  return {
    svg: `${drawn.join("")}${words(74, nameOf(number))}${words(88, `${outputs} × ${side}²`)}`,
    width: room,
  };
}

function drawBlock({ branch, shortcut }: Block, x: number, taken: number, width: number): string {
  const bars = branch.map((layer, index) => {
    const high = Math.max(6, Math.min(44, 16 + 6 * Math.log2(layer.outputs / width)));
    const colour = changesChannels(layer) ? CHANGES : USUAL;
    return `<rect x="${x + index * (BAR + 1)}" y="${MIDDLE - high / 2}" width="${BAR}" height="${high}" fill="${colour}"/>`;
  });
  if (shortcut === "none") return bars.join("");
  const [from, to, top] = [x - BETWEEN / 2 + 1, x + taken + BETWEEN / 2 - 1, 10];
  const dashes = shortcut === "pad" ? ' stroke-dasharray="2 2"' : "";
  const arc = `<path d="M${from} ${MIDDLE}V${top}H${to}V${MIDDLE}" fill="none" stroke="${GREY}"${dashes}/>`;
  const colour = typeof shortcut === "object" && changesChannels(shortcut) ? CHANGES : USUAL;
  const dot =
    typeof shortcut === "object" ? `<circle cx="${(from + to) / 2}" cy="${top}" r="3.5" fill="${colour}"/>` : "";
  return arc + bars.join("") + dot;
}
