// What the kernel answers when it is asked about itself, about code, or about what was run: contents of replies, by the request's type.
"use strict";
const { isCompleteCode } = require("tslab/dist/converter");
const { versions } = require("tslab");
const { completed } = require("./completion.cjs");
const { inspected } = require("./inspection.cjs");

const LANGUAGE = {
  ...{ name: "typescript", version: versions.typescript, mimetype: "text/typescript", file_extension: ".ts" },
  // tslab found that Notebook colours TypeScript with the one form, JupyterLab with the other.
  codemirror_mode: { mode: "typescript", name: "javascript", typescript: true },
};

const KERNEL = {
  ...{ status: "ok", protocol_version: "5.3", implementation: "tslab", implementation_version: versions.tslab },
  ...{ language_info: LANGUAGE, banner: `TypeScript ${versions.typescript}`, help_links: [] },
};

/** @param {import("./runner.cjs").Runner} runner @param {[number, number, string][]} history of every cell: session, count and code */
function answersOf(runner, history) {
  return {
    kernel_info_request: () => KERNEL,
    is_complete_request({ code }) {
      const { completed, indent } = isCompleteCode(code);
      return completed ? { status: "complete" } : { status: "incomplete", indent };
    },
    inspect_request({ code, cursor_pos }) {
      const text = inspected(runner.executor, code, placeIn(code, cursor_pos));
      const found = text !== undefined;
      return { status: "ok", found, data: found ? { "text/plain": text } : {}, metadata: {} };
    },
    complete_request({ code, cursor_pos }) {
      const { start, end, matches } = completed(runner.executor, code, placeIn(code, cursor_pos));
      const [cursor_start, cursor_end] = [start, end].map((place) => [...code.slice(0, place)].length);
      return { status: "ok", matches, cursor_start, cursor_end, metadata: {} };
    },
    comm_info_request: () => ({ status: "ok", comms: {} }),
    history_request: (request) => ({ status: "ok", history: asked(history, request) }),
    interrupt_request() {
      runner.interrupt();
      return { status: "ok" };
    },
    shutdown_request: ({ restart }) => ({ status: "ok", restart }),
  };
}

/** A cursor's place in JavaScript's units; Jupyter counts whole characters. By default the end. */
function placeIn(code, cursor) {
  return cursor === undefined ? code.length : [...code].slice(0, cursor).join("").length;
}

/** The part of the history that a request asks for; this session's alone, and no cell's result. */
function asked(history, { hist_access_type: access, n, start = 0, stop, pattern = "*", output, unique }) {
  let found = history;
  if (access === "range") found = history.filter(([, count]) => count >= start && count < (stop ?? Infinity));
  if (access === "search") found = history.filter(([, , code]) => globOf(pattern).test(code));
  if (access === "search" && unique) found = found.filter(([, , code], at) => at === lastOf(found, code));
  if (access !== "range" && n !== undefined && n !== null) found = found.slice(Math.max(0, found.length - n));
  return output ? found.map(([session, count, code]) => [session, count, [code, null]]) : found;
}

const lastOf = (history, code) => history.findLastIndex(([, , other]) => other === code);

/** A pattern with `*` and `?` as a regular expression. */
function globOf(pattern) {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}

module.exports = { answersOf };
