/** The graph: nodes, derivatives, passes, plans. */
import { type Fault, faultsIn, OPS, UPDATES } from "./fault.js";

const SCALAR = ["test/codegen/ir/scalar.test.ts", "test/codegen/autodiff/scalar-derivatives.test.ts"];
const VJP = ["test/codegen/autodiff/vjp.test.ts"];
const BUILDER = ["test/codegen/ir/builder.test.ts"];
const PASSES = ["test/codegen/passes/passes.test.ts", "test/codegen/passes/join-products.test.ts"];
const PLAN = [
  "test/codegen/plan/memory.test.ts",
  "test/codegen/plan/properties.test.ts",
  "test/codegen/plan/fuse.test.ts",
];
const ARENA = ["test/codegen/plan/arena.test.ts"];

export const GRAPH_FAULTS: readonly Fault[] = [
  ...faultsIn(
    "codegen/ir/ops/scalar-functions.ts",
    SCALAR,
    ["s.div(s.constant(0.5), e)", "s.div(s.constant(0.25), e)"],
    ["s.mul(e, oneMinus(e, s))", "s.mul(e, oneMinus(inner, s))"],
    ["s.unary(sigmoid, x))),", "s.unary(exp, x))),"],
    ["const below = tested === e ? s.add(e, slope)", "const below = tested === e ? s.mul(e, slope)"],
    ["is(b, 2, s)) return s.mul(a, a)", "is(b, 3, s)) return s.mul(a, a)"],
    ["is(a, 0, s) ? s.neg(b) : undefined", "is(a, 0, s) ? b : undefined"],
  ),
  ...faultsIn(
    "codegen/ir/scalar.ts",
    SCALAR,
    [
      "return b.a.value === 1 && scalarKey(a) !== scalarKey(b) ? div(a, b.b)",
      "return scalarKey(a) !== scalarKey(b) ? div(a, b.b)",
    ],
    ["? then : otherwise;\n  if", "? otherwise : then;\n  if"],
  ),
  ...faultsIn("codegen/ir/ops/shape-rules.ts", BUILDER, [
    "if (result[axis] !== 1 && result[axis] !== shape[i]) return undefined;",
    "if (result[axis] > shape[i]) return undefined;",
  ]),
  ...faultsIn(
    "codegen/ir/ops/matmul.ts",
    [...BUILDER, ...VJP],
    ["aBatch === 1 || bBatch === 1", "bBatch === 1"],
    ["b.matmul(y, g, transB, true)", "b.matmul(y, g, !transB, true)"],
  ),
  ...faultsIn(
    "codegen/ir/ops/views.ts",
    [...BUILDER, ...VJP],
    ["x.shape[axis] - start - shape[axis]", "x.shape[axis] - start"],
    [
      "start * sizeOf(x.shape.slice(axis + 1))",
      "start * sizeOf(x.shape.slice(axis))",
      ["test/codegen/plan/memory.test.ts", ...OPS],
    ],
    ["start += part.shape[axis];\n      return (g)", "start += 1;\n      return (g)"],
    [
      "moved.every((axis, i) => i === 0 || axis > moved[i - 1])",
      "moved.every((axis, i) => i === 0 || axis >= moved[0])",
      OPS,
    ],
  ),
  ...faultsIn(
    "codegen/ir/ops/windows.ts",
    [...BUILDER, ...VJP, "test/codegen/ir/verify.test.ts"],
    ["last >= w.extent", "last > w.extent"],
    ["w.size <= w.pad", "w.size < w.pad"],
  ),
  ...faultsIn(
    "codegen/ir/verify.ts",
    ["test/codegen/ir/verify.test.ts"],
    ["x.id >= node.id", "x.id > node.id + 1"],
    ['if (root.node.dtype !== "real")', 'if (root.node.dtype === "real" && root.role === "value")'],
  ),
  ...faultsIn(
    "codegen/autodiff/differentiate.ts",
    ["test/codegen/autodiff/differentiate.test.ts"],
    ["from += MOST_TERMS - 1", "from += MOST_TERMS"],
    ['node.op !== "stop" && ', ""],
    ["if (active.has(node)) contribute", "if (node.inputs.length > 0) contribute"],
  ),
  ...faultsIn(
    "codegen/passes/simplify-arithmetic.ts",
    PASSES,
    ['if (kind === "max") return once', 'if (kind === "argmax") return once'],
    ["node.transA !== swapsX", "node.transA || swapsX"],
    ["return terms === node.inputs.length;", "return terms > 0;"],
    ["!moving.includes(axis) && ", ""],
  ),
  ...faultsIn(
    "codegen/passes/simplify-views.ts",
    PASSES,
    ["axis, x.start + start, length", "axis, start, length"],
    ["node.perm.map((axis) => perm[axis])", "perm.map((axis) => node.perm[axis])"],
    [
      "from - start, end - to)",
      "from - start, to - end + 2 * (end - to))",
      PASSES,
      "the same number, written otherwise",
    ],
    ["const inFront = before + x.before;", "const inFront = before;"],
    ["if (before < end) return undefined;", "if (before <= end - 2) return undefined;"],
  ),
  ...faultsIn(
    "codegen/passes/join-products.ts",
    PASSES,
    [
      "one.made - other.made",
      "other.made - one.made",
      PASSES,
      "the order of a sum's terms, which nobody is promised",
    ],
    [
      'inputs: [x, y], transA, transB }: NodeOf<"matmul">): string',
      'inputs: [x, y], transA }: NodeOf<"matmul">, transB = false): string',
    ],
  ),
  ...faultsIn(
    "codegen/plan/lifetime.ts",
    PLAN,
    ["needed >= forwardSteps;", "needed > forwardSteps;"],
    ["last: kept ? end : Math.max(needed, ...ends)", "last: kept ? end : needed"],
  ),
  ...faultsIn(
    "codegen/plan/alias.ts",
    PLAN,
    ["lifetime.last <= step && !lifetime.kept", "lifetime.last <= step + 1 && !lifetime.kept"],
    ["taken.set(old, value);", ""],
    ["const later = whyNeeded", "const later = step.index > 3 ? undefined : whyNeeded"],
  ),
  ...faultsIn("codegen/plan/pointwise.ts", PLAN, [
    "(result.get(base) ?? true) && inPlace && whole",
    "inPlace && whole",
  ]),
  ...faultsIn(
    "codegen/plan/arena.ts",
    ARENA,
    ["first[j] > request.last) continue", "first[j] >= request.last) continue"],
    ["gap >= bytes && gap < tightest", "gap >= bytes - ALIGNMENT && gap < tightest"],
    ["change[request.last + 2] -=", "change[request.last + 1] -="],
    [
      "(a, b) => b.bytes - a.bytes || span(b) - span(a),\n",
      "(a, b) => a.bytes - b.bytes || span(b) - span(a),\n",
    ],
  ),
  ...faultsIn(
    "codegen/plan/update.ts",
    ["test/codegen/plan/memory.test.ts", "test/codegen/plan/properties.test.ts", ...UPDATES],
    ["last.index < step.index ||", "last.index <= step.index ||"],
    ["&& !copied.has(param)", ""],
  ),
  ...faultsIn(
    "codegen/plan/epilogue.ts",
    PLAN,
    ["if (readsElsewhere(group, into, uses)) return undefined;", ""],
    ["if (stores > MOST_STORES) return undefined;", ""],
  ),
  ...faultsIn("codegen/plan/producers.ts", PLAN, ["if (uses.roots(node).length > 0) return undefined;", ""]),
  ...faultsIn(
    "codegen/plan/inline.ts",
    [...PLAN, "test/codegen/lower/random-graphs.test.ts"],
    ["if (flat && !isFlat(node)) return false;", ""],
  ),
];
