// The Jupyter kernel: tslab 1.0.22, unchanged, started through its exported classes so that its results can be trusted.
// Called by kernels/tslab/kernel.json: node kernel.cjs <connection file>
"use strict";
const path = require("node:path");

// Before tslab loads: it takes its root from the working directory and refuses imports from outside
// (https://github.com/yunabe/tslab/issues/63). So "./lib/…" and "./data/…" mean the same in every notebook.
process.chdir(path.resolve(__dirname, "../.."));
require("./tfjs-node.cjs");
// A reproduction computes anew what earlier runs have kept in data/results.
globalThis[Symbol.for("nontrivial.results")] = process.env.NONTRIVIAL_RESULTS;
process.setSourceMapsEnabled(true); // stack traces name the lines of lib/*.ts (reload.cjs adds the maps)

const { Runner } = require("./runner.cjs");
const { Server } = require("./server.cjs");

const runner = new Runner(process.cwd());
const server = new Server(runner, process.argv[2]);
process.on("uncaughtException", (error) => runner.fail(error));
process.on("unhandledRejection", (error) => runner.fail(error));
server.init();

// A notebook server that was killed cannot send a shutdown request: leave with it.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(1), 1000).unref();
