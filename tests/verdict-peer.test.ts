// Verdicts against independent code, where it can run: set SCIPY_PYTHON to a Python that has SciPy.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { loadNetwork } from "../lib/runs/run-folder";
import { firstImages, loadCifar } from "../lib/data/cifar";
import { randomStream } from "../lib/statistics/random";
import { type Row, rowsOf } from "../lib/results/rows";
import { sweep } from "../lib/sweeps/sweep";
import { MARGINS, verdictsOf } from "../lib/results/verdict";
import { countedRow } from "./figures";

const named = process.env.SCIPY_PYTHON;
const python = named ?? "python3";
const present = spawnSync(python, ["-c", "import scipy"]).status === 0;
// Where a Python was named, its tests run, and fail if it is the wrong one.
const skip = present || named ? false : "SciPy is not installed here: set SCIPY_PYTHON to a Python that has it";

interface Evidence {
  readonly verdict: string;
  readonly harm: boolean;
  readonly trivialP: number;
  readonly nonTrivialP: number;
  readonly harmP: number;
}

function peerVerdicts(rows: readonly Row[], margin: number): Evidence[] {
  const layers = rows.map(({ images, lost, gained }) => ({ images, lost, gained }));
  const options = { input: JSON.stringify({ margin, layers }), encoding: "utf8" } as const;
  return JSON.parse(execFileSync(python, [path.join("tests", "verdict-peer.py")], options)) as Evidence[];
}

/** Verdicts and harm exactly, p values in nine digits (down to 1e-290, where SciPy's tails end). */
function expectEqual(rows: readonly Row[], margin: number): void {
  const found = verdictsOf(rows, { margin });
  for (const [index, wanted] of peerVerdicts(rows, margin).entries()) {
    const { layer, verdict, harm } = found[index];
    assert.deepEqual([layer, verdict, harm], [layer, wanted.verdict, wanted.harm]);
    for (const p of ["trivialP", "nonTrivialP", "harmP"] as const) {
      const away = Math.abs(found[index][p] - wanted[p]);
      assert.ok(away <= 1e-9 * wanted[p] + 1e-290, `${layer} ${p}: ${found[index][p]}, SciPy ${wanted[p]}`);
    }
  }
}

test("verdictsOf() equals SciPy on counts of every kind, at three margins", { skip }, () => {
  const random = randomStream(1, "counts");
  const rows = Array.from({ length: 60 }, (_, index) => {
    const reach = [3, 30, 300, 3000][index % 4];
    return countedRow(`layer ${index}`, random.integer(reach), random.integer(reach), { before: 5000 });
  });
  for (const margin of MARGINS) expectEqual(rows, margin);
});

for (const [name, images] of [
  ["resnet20-seed1", Number(process.env.PEER_IMAGES ?? 500)],
  ["resnet56-seed1", Number(process.env.PEER_IMAGES ?? 150)],
] as const)
  test(`verdictsOf() equals SciPy on the zero sweep of ${name}, ${images} images`, { skip }, async () => {
    const network = await loadNetwork(`data/runs/${name}`);
    const rows = rowsOf(await sweep(network, firstImages(await loadCifar("cifar10", "test"), images)));
    for (const margin of MARGINS) expectEqual(rows, margin);
  });
