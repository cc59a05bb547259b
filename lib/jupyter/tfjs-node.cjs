// Preload (`node --require`) that lets "@tensorflow/tfjs-node" be loaded on every machine: with a new Node.js, and without its binding.
"use strict";
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const util = require("node:util");

const BINDING = path.resolve(__dirname, "../../node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node");

// tfjs-node 4.22 still calls two functions that Node.js 23 removed; mended upstream, never released
// (https://github.com/tensorflow/tfjs/pull/8425, https://github.com/tensorflow/tfjs/issues/8609).
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;

// danfojs-node requires tfjs-node at its first line; without the compiled binding it gets plain TensorFlow.js.
// Asked at each call, because `npm run setup` may build the binding later.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  const missing = request === "@tensorflow/tfjs-node" && !fs.existsSync(BINDING);
  return resolveFilename.call(this, missing ? "@tensorflow/tfjs" : request, ...rest);
};
