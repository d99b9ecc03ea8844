/** From a plan to source: loops, kernels, products, targets. */
import { type Fault, faultsIn, OPS, WIDTH } from "./fault.js";

const CONTRACTION = [
  "test/codegen/contraction/blocked.test.ts",
  "test/codegen/contraction/contraction.test.ts",
];
const INDICES = "test/codegen/kernel/indices.test.ts";
const KERNEL = ["test/codegen/kernel/forms.test.ts", INDICES, "test/codegen/lower/ops.test.ts"];
const CUDA_REDUCE = ["test/codegen/targets/cuda/team-reduce.test.ts"];

export const KERNEL_FAULTS: readonly Fault[] = [
  ...faultsIn(
    "codegen/lower/evaluate.ts",
    OPS,
    ["if (guarded > 0) return compute();", ""],
    ["if (writer.block !== writtenBlock) {", "if (writtenBlock === -1) {"],
    [
      "bound.set(node, value);",
      "if (!bound.has(node)) bound.set(node, value);",
      undefined,
      "a node is bound once before all are unbound",
    ],
  ),
  ...faultsIn(
    "codegen/lower/compute-element.ts",
    OPS,
    ["inner[axis] = coordinates[i];", "inner[i] = coordinates[axis];"],
    ["if (number === inputs.length - 1)", "if (number === inputs.length - 1 || number === 3)"],
    [
      "inner[axis] = i === 0 ? rest : mod(rest, extent);",
      "inner[axis] = mod(rest, extent);",
      OPS,
      "a remainder of what is smaller anyhow",
    ],
  ),
  ...faultsIn(
    "codegen/lower/lower-window.ts",
    OPS,
    ["w.pad === 0 && (w.windows - 1)", "(w.windows - 1)"],
    ["addInt(i, w.stride - w.size)", "addInt(i, w.stride - w.size - 1)", OPS],
    ['cmp: "gt", a: value, b: best', 'cmp: "ge", a: value, b: best'],
  ),
  ...faultsIn(
    "codegen/lower/nest.ts",
    [...OPS, "test/codegen/lower/join-axes.test.ts"],
    ["return outerFactor === innerFactor * extent;", "return outerFactor >= innerFactor * extent;"],
  ),
  ...faultsIn(
    "codegen/lower/lower-plan.ts",
    [...OPS, "test/codegen/plan/prepare.test.ts"],
    [
      "place.region.offset + place.offset * size",
      "place.region.offset + place.offset * realBytes",
      [...OPS, "test/codegen/targets/ts/ts-module.test.ts"],
      "no view of indices begins in the middle of its base",
    ],
  ),
  ...faultsIn(
    "codegen/kernel/indices.ts",
    [INDICES, ...WIDTH, ...OPS],
    [
      "if (greatest < divisor) return fromLinear(quotient);",
      "if (greatest <= divisor) return fromLinear(quotient);",
    ],
    [
      "return [0, Math.min(greatest, index.b.value - 1)];",
      "return [0, Math.min(greatest, index.b.value - 2)];",
    ],
    ["greatest += factor > 0 ? factor * high : factor * low;", "greatest += factor * high;"],
    [
      "const low = ((constant % divisor) + divisor) % divisor;",
      "const low = constant % divisor;",
      undefined,
      "what remains may be less than 0 then, and is divided as it stands",
    ],
    [
      "if (quotient.factor % divisor !== 0) continue;",
      "",
      undefined,
      "a remainder's factor is whole: none is found for a quotient's that is not",
    ],
  ),
  ...faultsIn(
    "codegen/kernel/index-width.ts",
    WIDTH,
    ["kernel.parallel.extent + threads > GREATEST", "kernel.parallel.extent > GREATEST"],
    ["least >= LEAST && ", ""],
    ["2 ** 31 - 1", "2 ** 32 - 1"],
  ),
  ...faultsIn(
    "codegen/kernel/hoist.ts",
    KERNEL,
    ["levelOf(term.atom) < boundary", "levelOf(term.atom) <= boundary"],
    ["level = Number.POSITIVE_INFINITY;\n      return", "level = Math.max(level, 0);\n      return"],
  ),
  ...faultsIn(
    "codegen/kernel/dialect.ts",
    ["test/codegen/targets/ts/ts-module.test.ts", ...OPS],
    ["within(b, level + 1)", "within(b, level)"],
  ),
  ...faultsIn("codegen/kernel/writer.ts", OPS, [
    "if (end.value <= start.value + step) {",
    "if (end.value <= start.value + step + 1) {",
  ]),
  ...faultsIn(
    "codegen/contraction/tiles.ts",
    CONTRACTION,
    ["{ start: wide * (width + 1), width,", "{ start: wide * width, width,"],
    ["second.start - first.count * second.width", "second.start - first.count * first.width"],
  ),
  ...faultsIn(
    "codegen/contraction/conv-sizes.ts",
    CONTRACTION,
    [
      "s.kernel === 1 && s.stride === 1 && s.pad === 0",
      "s.kernel === 1 && s.stride === 1",
      undefined,
      "with padding the output is larger than the input",
    ],
    ["(s.kernel - 1) * s.dilation + 1", "(s.kernel - 1) * s.dilation"],
  ),
  ...faultsIn("codegen/contraction/matmul-contraction.ts", CONTRACTION, [
    "b.shape[0] === 1 && !transA",
    "b.shape[0] === 1",
    undefined,
    "joined rows are read right of a transposed operand too, only not side by side",
  ]),
  ...faultsIn(
    "codegen/contraction/split-sum.ts",
    ["test/codegen/contraction/contraction.test.ts", "test/codegen/targets/cuda/schedule-cost.test.ts"],
    ["writer.loop(1, split.parts,", "writer.loop(0, split.parts,"],
  ),
  ...faultsIn("codegen/contraction/blocked.ts", CONTRACTION, ["if (extent % parts !== 0) continue;", ""]),
  ...faultsIn(
    "codegen/targets/ts/render-ts.ts",
    ["test/codegen/targets/ts/ts-module.test.ts", ...OPS],
    ["Math.max(elements, sizes.get(name)?.elements ?? 0)", "elements"],
    ['Object.is(value, -0) ? "-0" : ', "", ["test/codegen/targets/ts/ts-literals.test.ts"]],
  ),
  ...faultsIn(
    "codegen/targets/ts/ts-random.ts",
    ["test/codegen/targets/ts/ts-module.test.ts"],
    ["0xbb67ae85", "0xbb67ae84"],
    ["seed !== blockSeed", "false"],
  ),
  ...faultsIn(
    "codegen/targets/cuda/occupancy.ts",
    ["test/codegen/targets/cuda/occupancy.test.ts"],
    ["const SHARED_UNIT = 128", "const SHARED_UNIT = 256"],
    ["use.sharedBytes + gpu.sharedReservedPerBlock", "use.sharedBytes"],
  ),
  ...faultsIn(
    "codegen/targets/cuda/combine.ts",
    CUDA_REDUCE,
    ['op: "min", a: left, b: right', 'op: "max", a: left, b: right'],
    ["Math.min(team.lanes, 32) / 2", "Math.min(team.lanes, 16) / 2"],
  ),
  ...faultsIn("codegen/targets/cuda/row-team.ts", CUDA_REDUCE, ["div(own, domain.rows)", "div(own, parts)"]),
  ...faultsIn("codegen/targets/cuda/team-reduce.ts", CUDA_REDUCE, [
    "min(add(start, int(each)), int(length))",
    "add(start, int(each))",
  ]),
  ...faultsIn(
    "codegen/targets/cuda/render-cuda.ts",
    ["test/codegen/targets/cuda/team-reduce.test.ts", ...WIDTH],
    [
      "kernel.parallel.extent !== blocks * threads",
      "kernel.parallel.extent > blocks * threads",
      [
        "test/codegen/lower/ops.test.ts",
        "test/codegen/targets/cuda/team-reduce.test.ts",
        "test/runtime/devices/emulator/kernels.test.ts",
      ],
    ],
  ),
];
