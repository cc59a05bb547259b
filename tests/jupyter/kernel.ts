// A real kernel for the tests, driven through Jupyter's own client (client.py).
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";

export const PYTHON = path.resolve(".venv/bin/python");
export const ENVIRONMENT = { ...process.env, JUPYTER_PATH: path.resolve("lib/jupyter") };

export interface Output {
  readonly type: string;
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: string[];
  readonly data?: Record<string, string>;
}

export interface Result {
  readonly text: string; // of both streams
  readonly order: string; // text of streams, displays and result as they came
  readonly times: number[]; // of the first and the last stream message, in seconds after sending
  readonly outputs: Output[];
  readonly reply: { status: string; execution_count?: number; ename?: string };
  readonly seconds: number;
  readonly stopped: number | null; // seconds between interrupt and idle
}

interface Options {
  readonly interrupt_on?: string; // interrupt once this has been printed
  readonly interrupt_after?: number; // interrupt that many seconds after the cell began
  readonly again_after?: number; // interrupt once more, that many seconds after the first time
  readonly stop_on_error?: boolean;
  readonly behind?: number; // seconds that the front end's clock is behind the kernel's
}

/** A running kernel with its client, started in a folder as a notebook there would do. */
export class Kernel {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor(folder: string, log = "/dev/null") {
    const file = path.resolve("tests/jupyter/client.py");
    this.child = spawn(PYTHON, [file, "tslab", folder, log], { env: ENVIRONMENT, stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async ask<T>(command: string, options: object = {}): Promise<T> {
    this.child.stdin!.write(`${JSON.stringify({ command, ...options })}\n`);
    const { value, done } = await this.lines.next();
    assert.ok(!done, `the client ended during "${command}"`);
    return JSON.parse(value);
  }

  runAll(codes: string[], options: Options = {}): Promise<Result[]> {
    return this.ask("execute", { codes, ...options });
  }

  async run(code: string, options: Options = {}): Promise<Result> {
    return (await this.runAll([code], options))[0];
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin!.end();
    if (this.child.exitCode === null) await ended;
  }
}
