// Pictures of figures: drawn by a real browser without network, the same bytes each time, the right colours.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, test } from "node:test";
import { PNG } from "pngjs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { closeBrowser, openBrowser, sandboxFlags, tarFiles, unpackBrowser, withBrowser } from "../lib/notebook/browser";
import { accuracyByLayer } from "../lib/figures/layers";
import { imageGrid } from "../lib/figures/images";
import { compactPng, toImage, toPng } from "../lib/notebook/picture";
import { colouredImages, someRows, typedFigure } from "./figures";

after(closeBrowser);

/** How many pixels have exactly this colour. */
function count(image: PNG, colour: readonly [number, number, number]): number {
  let found = 0;
  for (let at = 0; at < image.data.length; at += 4) {
    if (colour.every((value, channel) => image.data[at + channel] === value)) found++;
  }
  return found;
}

test("toPng() draws a figure at its size, with both kinds of layers and text", async () => {
  const image = PNG.sync.read(Buffer.from(await toPng(accuracyByLayer(someRows()))));
  assert.deepEqual([image.width, image.height], [900, 480]);
  assert.ok(count(image, [0, 0x72, 0xb2]) > 16 * 30, "blue marks");
  assert.ok(count(image, [0xd5, 0x5e, 0]) > 3 * 30, "orange marks");
  assert.ok(count(image, [0x1f, 0x29, 0x33]) > 300, "text in ink");
  assert.ok(count(image, [255, 255, 255]) > 200_000, "a white page");
});

test("toPng() gives the same bytes for the same figure, also from another browser", async () => {
  const [one, other] = await Promise.all([toPng(accuracyByLayer(someRows())), toPng(accuracyByLayer(someRows()))]);
  assert.deepEqual(one, other);
  await closeBrowser();
  assert.deepEqual(await toPng(accuracyByLayer(someRows())), one);
});

test("toImage() draws the same figure as vectors: SVG with its text as text, and a PDF of one page at its size", async () => {
  const figure = accuracyByLayer(someRows());
  const svg = new TextDecoder().decode(await toImage(figure, "svg"));
  assert.match(svg, /^<svg [^>]*width="900" height="480"/);
  assert.match(svg, />stage1\.block1\.conv1</);
  assert.doesNotMatch(svg, /<image|<script|foreignObject/);
  const pdf = new TextDecoder("latin1").decode(await toImage(figure, "pdf"));
  assert.match(pdf, /^%PDF-/);
  assert.equal(pdf.match(/\/Type\s*\/Page\b/g)?.length, 1);
  const [, width, height] = /\/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf)!; // points, of which 3 make 4 pixels
  assert.deepEqual([Math.round(Number(width)), Math.round(Number(height))], [675, 360]);
});

test("compactPng() gives the same pixels in fewer bytes, and never in more", async () => {
  const png = await toPng(accuracyByLayer(someRows()));
  const compact = compactPng(png);
  assert.ok(compact.length < 0.95 * png.length, `${compact.length} of ${png.length} bytes`);
  const [before, after] = [png, compact].map((bytes) => PNG.sync.read(Buffer.from(bytes)));
  assert.deepEqual([after.width, after.height], [before.width, before.height]);
  assert.ok(before.data.equals(after.data));
  assert.ok(compactPng(compact).length <= compact.length);
});

test("toPng() shows images with sharp pixels in their own colours", async () => {
  const image = PNG.sync.read(Buffer.from(await toPng(imageGrid(colouredImages(["red", "other"]), [0, 1, 2]))));
  for (const colour of [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ] as const)
    assert.equal(count(image, colour), 64 * 64);
});

test("toPng() draws names that look like markup as text", async () => {
  const rows = someRows().map((row) => ({ ...row, layer: `<img src=x onerror="document.body.remove()">` }));
  assert.ok((await toPng(accuracyByLayer(rows))).length > 10_000);
});

test("toPng() draws typed arrays as it draws lists", async () => {
  const { typed, listed } = typedFigure();
  const picture = await toPng(typed);
  assert.deepEqual(picture, await toPng(listed));
  assert.ok(count(PNG.sync.read(Buffer.from(picture)), [0, 0x72, 0xb2]) > 3 * 250, "three marks of 20 pixels");
});

test("toPng() draws at a scale, and refuses a size that no picture has", async () => {
  const image = PNG.sync.read(
    Buffer.from(await toPng(accuracyByLayer(someRows()), { width: 400, height: 300, scale: 2 })),
  );
  assert.deepEqual([image.width, image.height], [800, 600]);
  await assert.rejects(toPng(accuracyByLayer(someRows()), { width: NaN }), RangeError);
  await assert.rejects(
    toPng(accuracyByLayer(someRows()), { width: 9000, scale: 2 }),
    /a side has to have 1 to 10000 pixels/,
  );
});

test("the browser reaches nothing but this machine, and takes its profile with it", async () => {
  const profiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith("nontrivial-browser-"));
  await closeBrowser();
  const before = profiles();
  const page = await (await openBrowser()).newPage();
  assert.equal(profiles().length, before.length + 1);
  await assert.rejects(page.goto("http://example.com/"), /ERR_NAME_NOT_RESOLVED/);
  await closeBrowser();
  assert.deepEqual(profiles(), before);
});

test("the browser that draws figures reaches nothing, this machine's servers included", async () => {
  let asked = 0;
  const server = createServer((_, response) => void (asked++, response.end("secret")));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  try {
    await withBrowser(async (browser) => {
      const page = await browser.newPage();
      for (const host of ["127.0.0.1", "localhost", "[::1]"])
        await assert.rejects(page.goto(`http://${host}:${port}/`));
    });
    assert.equal(asked, 0);
    const page = await (await openBrowser()).newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    assert.ok(asked > 0);
  } finally {
    await closeBrowser();
    server.close();
  }
});

test("the browser has its sandbox, unless root starts it, who cannot have one", () => {
  assert.deepEqual(sandboxFlags(false), []);
  assert.ok(sandboxFlags(true).includes("--no-sandbox"));
});

test("the browser brings its own libraries and font", () => {
  const files = unpackBrowser();
  assert.ok(readdirSync(files.libraries).includes("libnss3.so"));
  assert.match(files.regular, /OpenSans-Regular\.ttf$/);
});

test("tarFiles() refuses an archive that is damaged, cut off or leaves its folder", () => {
  const header = (name: string, size: number) => {
    const block = Buffer.alloc(512);
    block.write(name, 0);
    block.write(size.toString(8).padStart(11, "0"), 124);
    block.write("0", 156);
    block.write(" ".repeat(8), 148);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(sum.toString(8).padStart(7, "0"), 148);
    return block;
  };
  const good = Buffer.concat([header("lib/a", 3), Buffer.from("abc".padEnd(512, "\0")), Buffer.alloc(1024)]);
  assert.deepEqual(tarFiles(good).get("lib/a")?.toString(), "abc");
  assert.throws(
    () => tarFiles(Buffer.concat([header("a", 1000), Buffer.alloc(512)])),
    /expected 1000 bytes but found 512/,
  );
  assert.throws(() => tarFiles(Buffer.concat([Buffer.alloc(512, 7), good])), /a tar header is damaged/);
  assert.throws(() => tarFiles(Buffer.concat([header("../a", 0), Buffer.alloc(1024)])), /leaves its folder/);
});
