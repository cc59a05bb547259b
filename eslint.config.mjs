// ESLint: the recommended rules for the TypeScript of lib and tests, and for the plain JavaScript that runs before it.
import js from "@eslint/js";
import typescript from "typescript-eslint";

const timers = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "queueMicrotask"];
const web = [
  "AbortController",
  "AbortSignal",
  "URL",
  "TextDecoder",
  "TextEncoder",
  "fetch",
  "performance",
  "structuredClone",
];
const commonJs = ["require", "module", "exports", "__dirname", "__filename"];
const globals = (...names) => Object.fromEntries(names.map((name) => [name, "readonly"]));
const node = globals("process", "console", "Buffer", "global", ...timers, ...web);

export default typescript.config(
  { ignores: ["**/*.min.js", "node_modules/", ".venv/", "data/", "figures/", "notebooks/"] },
  js.configs.recommended,
  { files: ["**/*.ts"], extends: [typescript.configs.recommended] },
  { files: ["**/*.mjs"], languageOptions: { globals: node } },
  { files: ["**/*.cjs"], languageOptions: { sourceType: "commonjs", globals: { ...node, ...globals(...commonJs) } } },
  {
    // lib is run as CommonJS (tslab, tsx), where a module that may be missing is taken by `require`.
    files: ["**/*.ts"],
    rules: {
      "@typescript-eslint/no-require-imports": "off",
      // One line per module: `import type { A }` where only types come, `import { a, type A }` otherwise.
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "no-duplicate-imports": "error",
      "@typescript-eslint/no-unused-expressions": ["error", { allowTaggedTemplates: true }], // say`…` in cells
    },
  },
  {
    // TensorFlow may share the memory of tensors made in other ways, and release it on a thread of its own.
    files: ["lib/**/*.ts"],
    ignores: ["lib/engine/backend.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        ...["tensor", "tensor1d", "tensor2d", "tensor3d", "tensor4d", "scalar"].map((property) => ({
          object: "tf",
          property,
          message: "Make tensors of arrays with tensorOf().",
        })),
      ],
    },
  },
  {
    // A function takes about 100,000 arguments: enough in every trial, and too few for somebody's results.
    files: ["lib/**"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "CallExpression:matches([callee.object.name=/^(Math|Object|String)$/], [callee.property.name=/^(push|unshift|splice|concat|of)$/]) > SpreadElement.arguments",
          message: "Arrays may be longer than a list of arguments: largestOf(), smallestOf(), loops, flatMap().",
        },
      ],
    },
  },
  {
    // The front door is for notebooks: through it every file would depend on every other one.
    files: ["lib/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            { regex: "^(\\.{1,2}/?)+$|/(lib|index)/?$", message: "Import from the file that the name lives in." },
          ],
        },
      ],
    },
  },
  {
    // Reference values stand in tests with all the digits of their source.
    files: ["tests/**/*.ts"],
    rules: { "no-loss-of-precision": "off" },
  },
  {
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
);
