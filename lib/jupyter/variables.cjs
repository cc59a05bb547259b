// Keeps the variables of cells where loops reach them at full speed: one plain object each, in the place of tslab's proxy of all.
"use strict";
const ts = require("@tslab/typescript-for-tslab");

const PREFIX = "__cell_";

/** The variables of all cells by their names; a name has one place for good, whatever cell gives it another value. */
class Variables {
  constructor() {
    /** @type {Map<string | symbol, {value: unknown}>} */
    this.places = new Map();
    this.place = this.place.bind(this);
    // What is not written as `exports.name` gets here: TypeScript's helpers, and the getters that it makes of imported names.
    this.exports = new Proxy(
      {},
      {
        get: (_, name) => this.places.get(name)?.value,
        has: (_, name) => this.places.has(name),
        defineProperty: (_, name, { get, value }) => {
          if (name !== "__esModule") this.place(name).value = get ? get() : value;
          return true;
        },
      },
    );
  }

  place(name) {
    if (!this.places.has(name)) this.places.set(name, { value: undefined });
    return this.places.get(name);
  }

  /** The value of a variable that nothing else will ask for. */
  take(name) {
    const value = this.places.get(name)?.value;
    this.places.delete(name);
    return value;
  }
}

/**
 * Compiled code of a cell that reads and writes variables at their places: `exports.sum += i` becomes `__cell_sum.value += i`, fifty
 * times as fast. No line gets another number. Code with an `exports` of its own is left as it is.
 * @param {string} output CommonJS as tslab makes it, for a function with the parameter `exports`
 * @param {string} place an expression for the function that gives a name's place
 */
function placedIn(output, place) {
  const before = "async () => {";
  const source = ts.createSourceFile(
    "cell.js",
    `${before}${output}\n}`,
    ts.ScriptTarget.ES2022,
    true,
    ts.ScriptKind.JS,
  );
  const uses = [];
  let own = false;
  const visit = (node) => {
    own ||= ts.isIdentifier(node) && node.text === "exports" && node.parent.name === node;
    if (isVariable(node)) uses.push(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  if (own || uses.length === 0) return output;
  const at = (node) => [node.getStart(source) - before.length, node.end - before.length];
  const code = uses.reduceRight((text, node) => {
    const [start, end] = at(node);
    return text.slice(0, start) + written(node) + text.slice(end);
  }, output);
  const names = [...new Set(uses.map(({ name }) => name.text))];
  const places = names.map((name) => `${PREFIX}${name} = ${place}(${JSON.stringify(name)})`);
  return `const ${places.join(", ")}; ${code}`;
}

function isVariable(node) {
  return ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "exports";
}

/** A function is called without `this`, which would be its place. */
function written(node) {
  const { parent, name } = node;
  const called = (ts.isCallExpression(parent) && parent.expression === node) || parent.tag === node;
  return called ? `(0, ${PREFIX}${name.text}.value)` : `${PREFIX}${name.text}.value`;
}

/** A message of the engine about such code, with the variables' names as the cell has them. */
function unplaced(message) {
  return message.replace(/\(0 ?, __cell_([^.]+)\.value\)|__cell_([^.]+)\.value/g, "$1$2");
}

module.exports = { Variables, placedIn, unplaced };
