// Lets TypeScript's watch have more than one thing to do later, where tslab has room for one and fails for good at the second.
"use strict";
const ts = require("@tslab/typescript-for-tslab");
const { withOverlay } = require("./overlay.cjs");

/**
 * tslab runs what the watch has put off when the next cell is converted, and keeps it in one place: the update of the program. A file
 * or package that appears or vanishes puts off a second thing, to look again for what was not found. Here both wait behind tslab's place,
 * and are run in the order in which they came; what they put off themselves comes after them.
 */
function withRoomForMore(createWatchCompilerHost) {
  return (files, options, system, ...rest) => {
    const [wait, forget] = [system.setTimeout, system.clearTimeout];
    const waiting = new Map();
    let place;
    const runAll = () => {
      for (const [timer, callback] of waiting) {
        waiting.delete(timer);
        callback();
      }
      place = undefined; // not when a callback throws: then tslab's place stays taken as well
    };
    system.setTimeout = (callback) => {
      const timer = {};
      waiting.set(timer, callback);
      place ??= wait(runAll);
      return timer;
    };
    system.clearTimeout = (timer) => {
      if (!waiting.delete(timer) || waiting.size > 0 || !place) return;
      forget(place);
      place = undefined;
    };
    return createWatchCompilerHost(files, options, system, ...rest);
  };
}

// TypeScript's exports cannot be assigned to; tslab, which is loaded after this file, gets a copy of them.
const patched = { value: withRoomForMore(withOverlay(ts.createWatchCompilerHost)), enumerable: true };
const names = { ...Object.getOwnPropertyDescriptors(ts), createWatchCompilerHost: patched };
require.cache[require.resolve("@tslab/typescript-for-tslab")].exports = Object.defineProperties({}, names);
