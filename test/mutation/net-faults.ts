/** Nets and their text: layers, solvers, checks, the command line, the files. */
import { type Fault, faultsIn, oracle, UPDATES, WEIGHTS } from "./fault.js";

const SYNTAX = ["test/proto/text/parse-text.test.ts", "test/proto/text/syntax.test.ts"];

export const NET_FAULTS: readonly Fault[] = [
  ...faultsIn(
    "src/solvers/updates.ts",
    UPDATES,
    [
      'select("gt", arg(0), float(clip)',
      'select("ge", arg(0), float(clip)',
      UPDATES,
      "at the norm itself the factor is 1 either way",
    ],
    ["float(1 / solver.iter_size)", "float(1)"],
    ["if (clip && gradient) value", "if (clip && !gradient) value"],
  ),
  ...faultsIn("src/solvers/nesterov.ts", UPDATES, ["float(1 + momentum)", "float(1 - momentum)"]),
  ...faultsIn("src/solvers/adadelta.ts", UPDATES, ["[step, u]", "[gradient, u]"]),
  ...faultsIn("codegen/ir/real.ts", oracle("Pooling"), [
    "LOWEST = -3.4028234663852886e38;",
    "LOWEST = 0;",
    ["test/src/layers/uncommon-layers.test.ts", "test/src/layers/lower.test.ts"],
  ]),
  ...faultsIn(
    "src/layers/catalogue/lrn.ts",
    oracle("LRN"),
    ["size * size", "size"],
    ["across ? parameter.k : 1", "parameter.k", ["test/src/layers/uncommon-layers.test.ts"]],
  ),
  ...faultsIn(
    "src/layers/catalogue/batch-norm.ts",
    ["test/src/layers/few-values.test.ts"],
    ["size > 1 ? size / (size - 1) : 1", "size / (size - 1)"],
  ),
  ...faultsIn("src/layers/catalogue/accuracy.ts", oracle("Accuracy"), [
    'select("ge", arg(0), arg(1), constant(1)',
    'select("gt", arg(0), arg(1), constant(1)',
  ]),
  ...faultsIn("src/layers/catalogue/argmax.ts", oracle("ArgMax"), [
    "arg(1), coord(axis), constant(-1)",
    "arg(1), coord(axis), constant(0)",
    undefined,
    "the greatest is never less than 0",
  ]),
  ...faultsIn("src/layers/catalogue/hinge-loss.ts", oracle("HingeLoss"), [
    "constant(1 / rows)",
    "constant(1 / x.shape[0])",
    undefined,
    "rows are the first extent",
  ]),
  ...faultsIn("src/layers/catalogue/crop.ts", oracle("Crop"), [
    "offset.length > 1 ? i - axis : 0",
    "offset.length > 1 ? i : 0",
  ]),
  ...faultsIn("src/layers/catalogue/slice.ts", oracle("Slice"), [
    "((i + 1) * extent) / topCount",
    "(i * extent) / topCount + 1",
  ]),
  ...faultsIn(
    "src/layers/loss.ts",
    oracle("Loss"),
    ["return by(batch);", "return by(size);"],
    ["Math.max(1, count)", "count", undefined, "no blob without values comes here"],
  ),
  ...faultsIn(
    "src/layers/needs.ts",
    ["test/src/layers/lower.test.ts", "test/src/layers/corpus.test.ts"],
    ["if (!contributes) layerNeeds[index] = false;", ""],
    ["layer.propagateDown.length > 0 ? layer.propagateDown[i] : blobNeed", "blobNeed"],
  ),
  ...faultsIn(
    "src/net/objective.ts",
    ["test/src/net/loss-seed.test.ts"],
    ["backward && !given.has(blob)", "backward"],
  ),
  ...faultsIn(
    "src/net/debug-info.ts",
    ["test/src/net/debug-info.test.ts"],
    ["before[i][at] - x", "x - before[i][at]", undefined, "its mean is of absolute values"],
    ["total(arrays, (x) => x * x)", "total(arrays, (x) => x)"],
  ),
  ...faultsIn(
    "src/net-text/net-def.ts",
    ["test/src/net-text/net-def.test.ts"],
    ["state.level < rule.min_level", "state.level <= rule.min_level"],
    ["rule.stage.every(", "rule.stage.some("],
  ),
  ...faultsIn(
    "src/net-text/wire.ts",
    ["test/src/net-text/wire.test.ts"],
    ["layer.bottom[top] === blob && !made.has(blob)", "layer.bottom.includes(blob) && !made.has(blob)"],
  ),
  ...faultsIn(
    "src/net/blob-differences.ts",
    ["test/src/compare-nets.test.ts"],
    ["Math.max(sizeA, sizeB)", "Math.min(sizeA, sizeB)"],
    ["relative > bound", "relative >= bound"],
  ),
  ...faultsIn(
    "src/gradcheck/directional.ts",
    ["test/src/check-gradients.test.ts", "-t", "bounds"],
    ["RELATIVE_BOUND = 1e-6", "RELATIVE_BOUND = 1e-4"],
    ["KINK_BOUND = 1e-6", "KINK_BOUND = 1e-4"],
  ),
  ...faultsIn(
    "src/check/check-net.ts",
    ["test/src/cli/check.test.ts"],
    [
      "(next.diagnostics.length < least.diagnostics.length ? next : least)",
      "(next.diagnostics.length > least.diagnostics.length ? next : least)",
    ],
  ),
  ...faultsIn(
    "src/cli/option-values.ts",
    ["test/src/cli/option-values.test.ts"],
    ["number >= least && number <= LARGEST", "number > least && number <= LARGEST"],
  ),
  ...faultsIn("proto/text/scan.ts", SYNTAX, ["[0-7]{1,3}|", "[0-7]{3}|"], ["\n  a: 7,", "\n  a: 8,"]),
  ...faultsIn(
    "proto/text/scalar-values.ts",
    SYNTAX,
    ["uint32: [0n, 2n ** 32n - 1n]", "uint32: [0n, 2n ** 31n - 1n]"],
    ['scalar === "float" ? floatValue(value) : value', "value"],
  ),
  ...faultsIn(
    "proto/errors/suggest.ts",
    ["test/proto/errors/suggest.test.ts"],
    ["b[j - 2] && a[i - 2] === b[j - 1]", "b[j - 2]"],
    ["best === 0 ? 0 : best + 1", "best + 1"],
  ),
  ...faultsIn(
    "proto/words/amounts.ts",
    ["test/src/cli/text.test.ts", "test/src/cli/summary.test.ts"],
    ["rest < 9.995 ? 2", "rest < 10 ? 2"],
    ["if (seconds < 9.95)", "if (seconds < 60)"],
  ),
  ...faultsIn("proto/binary.ts", ["test/proto/binary.test.ts", ...WEIGHTS]),
];
