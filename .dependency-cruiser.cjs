/** The floors of docs/ARCHITECTURE.md, lowest first: no import goes up, none goes round. */
const floors = [
  ["errors", "^src/errors/"],
  ["native", "^native/"],
  ["proto", "^proto/"],
  ["prototxt", "^src/prototxt/"],
  ["ir", "^src/ir/"],
  ["layers", "^src/(layers|solvers)/"],
  ["autodiff", "^src/autodiff/"],
  ["passes", "^src/passes/"],
  ["plan", "^src/plan/"],
  ["codegen", "^codegen/"],
  ["runtime", "^runtime/"],
  ["face", "^src/(net/|gradcheck/|cli/|artefact/|[^/]+$)"],
];

const upward = floors.slice(0, -1).map(([name, path], i) => ({
  name: `${name}-imports-upward`,
  severity: "error",
  comment: `${name} may import only itself and the floors below it`,
  from: { path },
  to: { path: floors.slice(i + 1).map(([, above]) => above) },
}));

module.exports = {
  forbidden: [
    ...upward,
    {
      name: "layers-know-no-derivative-or-device",
      severity: "error",
      comment: "a layer is a definition: it never reaches autodiff, plans, code generation or a device",
      from: { path: "^src/layers/" },
      to: { path: "^(src/(autodiff|passes|plan)|codegen|runtime|native)/" },
    },
    {
      name: "runtime-knows-no-layer",
      severity: "error",
      from: { path: "^runtime/" },
      to: { path: "^src/(layers|autodiff|passes)/" },
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
