// Run by a test as a process of its own: loads a network from a file and prints by how many bytes its memory grew at most.
import { readFileSync } from "node:fs";
import { loadNetwork } from "../lib/runs/run-folder";

const peak = () => 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]);

async function main(file: string): Promise<void> {
  const before = peak();
  await loadNetwork(file).catch((error: Error) => console.error(error.message));
  console.log(peak() - before);
}

void main(process.argv[2]);
