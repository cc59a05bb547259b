// A browser without network, shared by the process: it draws the figures' PNGs and serves the tests of pages.
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "puppeteer-core";
import { unpackBrowser } from "./browser-files";

/** Names that the browser may resolve: those of this machine only. */
const NO_NETWORK = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1";
const FLAGS = [
  "--no-sandbox", // root, the usual user in a container, cannot have one; only the project's own pages are opened
  "--no-zygote",
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
  `--host-resolver-rules=${NO_NETWORK}`,
];

let shared: Promise<Browser> | undefined;
let users = 0;

/** Ends the browser and its helper processes, which would go on writing into the profile. */
function killGroup(child: ChildProcess | null): void {
  try {
    if (child?.pid) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** A browser of its own in an empty profile that is removed when it closes or this process ends. */
async function launch(): Promise<Browser> {
  const files = unpackBrowser();
  const { launch: start } = await import("puppeteer-core");
  const profile = mkdtempSync(path.join(tmpdir(), "nontrivial-browser-"));
  const remove = () => rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  try {
    const browser = await start({
      executablePath: files.program,
      headless: "shell",
      pipe: true, // so that the browser ends with this process, however that ends
      args: FLAGS,
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

/** The shared browser; it does not keep this process alive. */
function sharedBrowser(): Promise<Browser> {
  shared ??= launch().then(
    (browser) => {
      browser.once("disconnected", () => (shared = undefined));
      return browser;
    },
    (error: unknown) => {
      shared = undefined;
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Cannot start the browser: ${reason}`, { cause: error });
    },
  );
  return shared;
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
 * Runs `work` with the process's browser, which is started at the first call and ends with the process.
 * @throws Error when no browser can be started, with the reason
 */
export async function withBrowser<Result>(work: (browser: Browser) => Promise<Result>): Promise<Result> {
  const browser = await sharedBrowser();
  users++;
  keepAlive(browser, true);
  try {
    return await work(browser);
  } finally {
    if (--users === 0) keepAlive(browser, false);
  }
}

/**
 * The process's browser for longer use: it keeps the process alive until `closeBrowser()`. It reaches pages of this machine only.
 * @throws Error when no browser can be started, with the reason
 */
export async function openBrowser(): Promise<Browser> {
  const browser = await sharedBrowser();
  users++; // never given back: the caller closes
  keepAlive(browser, true);
  return browser;
}

/** Closes the process's browser if there is one. */
export async function closeBrowser(): Promise<void> {
  const browser = await shared?.catch(() => undefined);
  shared = undefined;
  users = 0;
  if (!browser) return;
  keepAlive(browser, true); // until it has ended
  await browser.close();
}
