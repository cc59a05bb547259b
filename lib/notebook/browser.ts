// Browsers, shared by the process: one without any network draws the figures' PNGs, one that reaches this machine serves the tests of pages.
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import type { Browser } from "puppeteer-core";
import { tarEntries } from "../files/tar";
import { temporaryFolder } from "../files/temporary";

/** Where the unpacked browser lies: the program, its shared libraries, fontconfig's settings and the figures' font. */
export interface BrowserFiles {
  readonly program: string;
  readonly libraries: string;
  readonly fontSettings: string;
  readonly regular: string;
  readonly bold: string;
}

/**
 * The files of an uncompressed tar archive, by name.
 * @throws RangeError when the archive is damaged or a name leaves its folder
 */
export function tarFiles(tar: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const { name, type, bytes } of tarEntries(tar)) {
    if (path.isAbsolute(name) || name.split("/").includes(".."))
      throw new RangeError(`Cannot unpack ${JSON.stringify(name)}: it leaves its folder`);
    if (type === "0") files.set(name, bytes);
  }
  return files;
}

function writeFiles(files: Map<string, Buffer>, folder: string): void {
  for (const [name, bytes] of files) {
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
  writeFiles(tarFiles(unpacked("al2023.tar.br")), folder);
  writeFiles(tarFiles(unpacked("fonts.tar.br")), folder);
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

/** How far a browser reaches, by the names and addresses that it may resolve: nowhere, or to servers on this machine. */
const REACH = { nothing: "MAP * ~NOTFOUND", machine: "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1" };
type Reach = keyof typeof REACH;

/** Root, the usual user in a container, cannot have a sandbox; and without one there is no need of the process that would start others in it. */
export const sandboxFlags = (root = process.getuid?.() === 0): string[] =>
  root ? ["--no-sandbox", "--no-zygote"] : [];

const FLAGS = [
  "--no-first-run",
  "--no-default-browser-check",
  "--no-pings",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-sync",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--font-render-hinting=none", // the same letters on every machine
  "--force-color-profile=srgb",
  "--hide-scrollbars",
  "--mute-audio",
];

const shared = new Map<Reach, Promise<Browser>>();
let users = 0;

/** Ends the browser and its helper processes, which would go on writing into the profile. */
function killGroup(child: ChildProcess | null): void {
  try {
    if (child?.pid) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/**
 * Removes a profile whose browser has just been killed: its last writes may still come in between, and `rmSync` by itself does not look
 * again for new files. In the end a folder that stays in the machine's temporary one does less harm than a process that fails.
 */
function removeProfile(profile: string): void {
  for (let attempt = 1; attempt <= 20; attempt++) {
    try {
      return rmSync(profile, { recursive: true, force: true });
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25); // this may be the process's end, where nothing is awaited
    }
  }
}

/** A browser of its own in an empty profile that is removed when it closes or this process ends. */
async function launch(reach: Reach): Promise<Browser> {
  const files = unpackBrowser();
  const { launch: start } = await import("puppeteer-core");
  const profile = temporaryFolder("browser");
  const remove = () => removeProfile(profile);
  try {
    const browser = await start({
      executablePath: files.program,
      headless: "shell",
      pipe: true, // so that the browser ends with this process, however that ends
      args: [...sandboxFlags(), ...FLAGS, `--host-resolver-rules=${REACH[reach]}`],
      userDataDir: profile,
      // The whole environment: nothing of the user's session leaks in, and pictures are the same everywhere.
      env: {
        HOME: profile,
        TZ: "UTC",
        LANG: "C.UTF-8",
        LD_LIBRARY_PATH: files.libraries,
        FONTCONFIG_FILE: files.fontSettings,
      },
      handleSIGINT: false, // an interrupt belongs to the cell, not to the browser
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    const end = () => {
      killGroup(browser.process());
      remove();
    };
    process.once("exit", end);
    browser.once("disconnected", () => {
      process.removeListener("exit", end);
      end();
    });
    return browser;
  } catch (error) {
    remove();
    throw error;
  }
}

/** The shared browser of this reach; it does not keep this process alive. */
function sharedBrowser(reach: Reach): Promise<Browser> {
  const started = shared.get(reach);
  if (started) return started;
  const starting = launch(reach).then(
    (browser) => {
      browser.once("disconnected", () => shared.get(reach) === starting && shared.delete(reach));
      return browser;
    },
    (error: unknown) => {
      shared.delete(reach);
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot start the browser: ${reason}`, { cause: error });
    },
  );
  shared.set(reach, starting);
  return starting;
}

/** Says whether this process stays alive as long as the browser does. */
function keepAlive(browser: Browser, alive: boolean): void {
  const child = browser.process();
  for (const handle of [child, ...(child?.stdio ?? [])] as ({ ref?(): void; unref?(): void } | null)[]) {
    if (alive) handle?.ref?.();
    else handle?.unref?.();
  }
}

/**
 * Runs `work` with the process's browser, which reaches nothing, is started at the first call and ends with the process.
 * @throws Error when no browser can be started, with the reason
 */
export async function withBrowser<Result>(work: (browser: Browser) => Promise<Result>): Promise<Result> {
  const browser = await sharedBrowser("nothing");
  users++;
  keepAlive(browser, true);
  try {
    return await work(browser);
  } finally {
    if (--users === 0) keepAlive(browser, false);
  }
}

/**
 * A browser for longer use: it keeps the process alive until `closeBrowser()`. It reaches pages of this machine only.
 * @throws Error when no browser can be started, with the reason
 */
export async function openBrowser(): Promise<Browser> {
  const browser = await sharedBrowser("machine");
  keepAlive(browser, true); // never given back: the caller closes
  return browser;
}

/** Closes the process's browsers if there are any. */
export async function closeBrowser(): Promise<void> {
  const started = [...shared.values()];
  shared.clear();
  users = 0;
  for (const starting of started) {
    const browser = await starting.catch(() => undefined);
    if (!browser) continue;
    keepAlive(browser, true); // until it has ended
    await browser.close();
  }
}
