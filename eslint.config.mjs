import tseslint from "typescript-eslint";

const sources = ["**/*.ts"];
const plainScripts = ["**/*.mjs", "**/*.js"];

export default tseslint.config(
  {
    ignores: [
      "dist/",
      "out/",
      "coverage/",
      ".cache/",
      "node_modules/",
      "snapshot/gen/",
      "examples/**/dist/",
      "test/vectors/*.json",
    ],
  },
  {
    files: sources,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-eval": "error",
      "no-new-func": "error",
      "no-restricted-syntax": [
        "error",
        {
          selector: "ExportDefaultDeclaration",
          message: "Export by name: a default export has no name to search for.",
        },
        { selector: "TSEnumDeclaration", message: "Use a union of literals: enums are not erasable syntax." },
      ],
      "max-lines": ["error", { max: 400 }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        // `{ a, ...rest }` is how a property is left out.
        { argsIgnorePattern: "^_", caughtErrors: "all", ignoreRestSiblings: true },
      ],
      // Numbers in messages are meant; everything else that is not a string still has to be spelt out.
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      // `while (true)` reads better than a flag in decoders, whose loops end with a return.
      "@typescript-eslint/no-unnecessary-condition": ["error", { allowConstantLoopConditions: true }],
      // A bound that was just checked is clearer as `bytes[i]!` than as a second check: noUncheckedIndexedAccess
      // makes the compiler ask at every index, and inner loops over bytes cannot pay for a branch.
      "@typescript-eslint/no-non-null-assertion": "off",
      // A DoFn, a coder or a runner has to be a class for the SDK, with or without state of its own.
      "@typescript-eslint/no-extraneous-class": "off",
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
    },
  },
  {
    // The command line and the scripts talk to a person: the console is their output.
    files: ["cli/**/*.ts", "examples/**/*.ts", "bench/**/*.ts", "scripts/**"],
    rules: { "no-console": "off" },
  },
  {
    files: ["test/**/*.ts", "bench/**/*.ts"],
    rules: {
      "max-lines": "off",
      "@typescript-eslint/explicit-module-boundary-types": "off",
      // Hostile input is often a value that the types forbid.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/require-await": "off",
    },
  },
  {
    // Vitest reads its configuration by the default export.
    files: ["**/*.config.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    files: plainScripts,
    rules: {
      eqeqeq: "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "prefer-const": "error",
    },
  },
);
