// What a name means, for Shift-Tab: its type and docstring, and what tslab leaves out: errors, options, and the fields of types.
"use strict";
const ts = require("@tslab/typescript-for-tslab");

/** @param {number} at the cursor's place @returns {string | undefined} what the name there means; undefined where there is none */
function inspected(executor, code, at) {
  const info = executor.inspect(code, placeOf(code, at));
  return info && textOf(info);
}

/** Where a name begins that the cursor touches; else the name of the function in whose call it stands, as of `sweep(network, |)`. */
function placeOf(code, at) {
  const source = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  let [name, called] = [];
  const visit = (node) => {
    const [start, end] = [node.getStart(source), node.end];
    if (ts.isIdentifier(node) && start <= at && at <= end) name = node;
    // The closing bracket may not be written yet.
    if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && node.expression.end < at && at <= code.length)
      if (at < end || !code.slice(start, end).endsWith(")")) called = node.expression.name ?? node.expression;
    ts.forEachChild(node, visit);
  };
  visit(source);
  return (name ?? called)?.getStart(source) ?? at;
}

/** Type, description, and one line for each tag of the docstring. */
function textOf({ displayParts, documentation, tags = [] }) {
  const [type, description] = [displayParts, documentation].map((parts) => ts.displayPartsToString(parts));
  const lines = tags.map(({ name, text }) => `@${name} ${ts.displayPartsToString(text)}`.trim());
  return joined([type, description, lines.join("\n")]);
}

/** Adds to TypeScript's description of a name what the options of a function are, or which fields a type has. */
function withFields(quickInfo) {
  return (file, checker, token, position) => {
    const info = quickInfo(file, checker, token, position);
    const text = info && fieldsOf(checker, ts.getTouchingPropertyName(file, position));
    if (text) info.documentation = [...(info.documentation ?? []), { kind: "text", text: `\n\n${text}` }];
    return info;
  };
}

function fieldsOf(checker, node) {
  const symbol = symbolOf(checker, node);
  if (!symbol) return "";
  if (symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)) {
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    return joined(
      (type.types ?? [type]).map((each) => listed(checker, each, `Fields of ${checker.typeToString(each)}`)),
    );
  }
  // Of several forms of a function the last one takes the most.
  const signature = checker.getTypeOfSymbolAtLocation(symbol, node).getCallSignatures().at(-1);
  const types = (signature?.parameters ?? []).map((each) =>
    checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(each, node)),
  );
  return joined(types.filter(areOptions).map((type) => listed(checker, type, "Options")));
}

const joined = (texts) => texts.filter(Boolean).join("\n\n");

/** Whether most of a type's fields can be left out. */
function areOptions(type) {
  const fields = ownFields(type);
  return 2 * fields.filter(isOptional).length > fields.length;
}

function symbolOf(checker, node) {
  const symbol = checker.getSymbolAtLocation(node);
  return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** The fields that the project or the cell declares; not those that all arrays, functions and strings have. */
function ownFields(type) {
  const isObject = type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection);
  if (!isObject || type.getCallSignatures().length > 0) return [];
  const foreign = (field) =>
    (field.declarations ?? []).some((each) => /[\\/]node_modules[\\/]/.test(each.getSourceFile().fileName));
  return type.getProperties().filter((field) => !foreign(field));
}

const isOptional = (field) => Boolean(field.flags & ts.SymbolFlags.Optional);

function listed(checker, type, title) {
  const lines = ownFields(type).map((field) => {
    const [declaration] = field.declarations ?? [];
    const fieldType = declaration ? checker.typeToString(checker.getTypeOfSymbolAtLocation(field, declaration)) : "";
    const doc = ts.displayPartsToString(field.getDocumentationComment(checker)).replace(/\s+/g, " ");
    return `  ${field.name}${isOptional(field) ? "?" : ""}: ${fieldType}${doc && ` — ${doc}`}`;
  });
  return lines.length > 0 ? [`${title}:`, ...lines].join("\n") : "";
}

// TypeScript's exports cannot be assigned to; tslab, which is loaded after this file, gets a copy of them.
const patched = { value: withFields(ts.getQuickInfoAtPosition), enumerable: true };
const id = require.resolve("@tslab/typescript-for-tslab");
const names = { ...Object.getOwnPropertyDescriptors(require.cache[id].exports), getQuickInfoAtPosition: patched };
require.cache[id].exports = Object.defineProperties({}, names);

module.exports = { inspected };
