/** The floors of docs/ARCHITECTURE.md, lowest first: no import goes up, none goes round. */
const floors = [
  ["words", "^proto/words/"],
  ["errors", "^proto/errors/"],
  ["native", "^native/"],
  ["proto", "^proto/"],
  ["ir", "^codegen/ir/"],
  ["autodiff", "^codegen/autodiff/"],
  ["passes", "^codegen/passes/"],
  ["onnx", "^codegen/onnx/"],
  ["plan", "^codegen/plan/"],
  ["kernel", "^codegen/kernel/"],
  ["lower", "^codegen/(lower|contraction|lanes)/"],
  ["targets", "^codegen/targets/"],
  ["pipeline", "^codegen/[^/]+$"],
  ["runtime", "^runtime/"],
  ["net-text", "^src/net-text/"],
  ["layers", "^src/(layers|solvers)/"],
  ["net", "^src/net/"],
  ["artefact", "^src/(artefact|gradcheck|check|export)/"],
  ["api", "^src/[^/]+$"],
  ["cli", "^src/cli/"],
];

const upward = floors.slice(0, -1).map(([name, path], i) => {
  const lower = floors.slice(0, i).map(([, below]) => below);
  return {
    name: `${name}-imports-upward`,
    severity: "error",
    comment: `${name} may import only itself and the floors below it`,
    from: { path, pathNot: lower },
    to: { path: floors.slice(i + 1).map(([, above]) => above), pathNot: [...lower, path] },
  };
});

module.exports = {
  forbidden: [
    ...upward,
    {
      name: "layers-know-no-derivative-or-device",
      severity: "error",
      comment:
        "a layer is a definition in primitives: it never reaches autodiff, plans, code generation or a device; of the runtime it knows only how a source of data is described, and what a filler can fill",
      from: { path: "^src/layers/" },
      to: {
        path: "^(codegen|runtime|native)/",
        pathNot: "^(codegen/ir/|runtime/data/feed-spec.ts$|runtime/random/filler-fit.ts$)",
      },
    },
    {
      name: "cli-comes-through-the-doors",
      severity: "error",
      comment: "the command line reaches the compiler through src/index.ts and src/tools.ts",
      from: { path: "^src/cli/" },
      to: { path: "^(src|codegen|runtime|native)/", pathNot: "^src/(cli/|index.ts$|tools.ts$)" },
    },
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-test-code-in-the-package",
      severity: "error",
      from: { path: "^(src|codegen|runtime|native|proto)/" },
      to: { path: "^(test|benchmarks|examples)/" },
    },
    { name: "not-to-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
