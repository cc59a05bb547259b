// Preloaded by a test: makes this process believe that the TensorFlow.js binding was never built.
"use strict";
const fs = require("node:fs");
const { existsSync } = fs;
fs.existsSync = (path) => !String(path).endsWith("tfjs_binding.node") && existsSync(path);
