// Preloaded by a test: ends a process that loads what takes long to load.
"use strict";
const Module = require("node:module");
const load = Module._load;
Module._load = (request, ...rest) => {
  if (/^(@tensorflow\/|typescript$|arquero$|plotly)/.test(request)) throw new Error(`loaded ${request}`);
  return load(request, ...rest);
};
