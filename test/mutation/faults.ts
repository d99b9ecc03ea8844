/**
 * Small faults, as a hand makes them, over all folders; each with the quick tests of which one must fail. The text must stand
 * just once in its file.
 */

export interface Fault {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Files, and `-t` with a pattern, for vitest. */
  readonly tests: readonly string[];
  /** Why no test can see it, where none can. */
  readonly unseen?: string;
}

type Change = readonly [find: string, replace: string, tests?: readonly string[], unseen?: string];

const faultsIn = (file: string, tests: readonly string[], ...changes: readonly Change[]): readonly Fault[] =>
  changes.map(([find, replace, own = tests, unseen]) => ({ file, find, replace, tests: own, unseen }));

/** The oracle's cases of some layer types. */
const oracle = (types: string): readonly string[] => ["test/oracle/layers.test.ts", "-t", types];

const SCALAR = ["test/codegen/ir/scalar.test.ts", "test/codegen/autodiff/scalar-derivatives.test.ts"];
const VJP = ["test/codegen/autodiff/vjp.test.ts"];
const BUILDER = ["test/codegen/ir/builder.test.ts"];
const PASSES = ["test/codegen/passes/passes.test.ts", "test/codegen/passes/join-products.test.ts"];
const PLAN = [
  "test/codegen/plan/memory.test.ts",
  "test/codegen/plan/fuse.test.ts",
  "test/codegen/plan/properties.test.ts",
];
const ARENA = ["test/codegen/plan/arena.test.ts"];
const OPS = ["test/codegen/lower/ops.test.ts", "test/codegen/lower/random-graphs.test.ts"];
const CONTRACTION = [
  "test/codegen/contraction/blocked.test.ts",
  "test/codegen/contraction/contraction.test.ts",
];
const KERNEL = ["test/codegen/kernel/forms.test.ts", "test/codegen/lower/ops.test.ts"];
const WIDTH = ["test/codegen/kernel/index-width.test.ts"];
const CUDA_REDUCE = ["test/codegen/targets/cuda/team-reduce.test.ts"];
const SOLVER = ["test/runtime/solver/solver.test.ts"];
const POLICY = ["test/runtime/solver/policy.test.ts"];
const UPDATES = ["test/src/solvers/updates.test.ts"];
const WEIGHTS = [
  "test/runtime/weights/round-trip.test.ts",
  "test/runtime/weights/caffemodel.test.ts",
  "test/runtime/weights/wrong-files.test.ts",
];
const SYNTAX = ["test/proto/text/parse-text.test.ts", "test/proto/text/syntax.test.ts"];

export const FAULTS: readonly Fault[] = [
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
    ['kind === "max" || times === 1', "times === 1"],
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
    ["`${transA} ${transB} ${x.shape[0]} ${y.shape[0]}`", "`${transA} ${x.shape[0]} ${y.shape[0]}`"],
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
  ...faultsIn(
    "codegen/lower/evaluate.ts",
    OPS,
    ["if (guarded > 0) return compute();", ""],
    ["if (writer.block !== writtenBlock) {", "if (writtenBlock === -1) {"],
    ["bound.set(node, value);", "if (!bound.has(node)) bound.set(node, value);"],
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
    [...WIDTH, ...OPS],
    [
      "if (greatest < divisor) return fromLinear(quotient);",
      "if (greatest <= divisor) return fromLinear(quotient);",
    ],
    [
      "return [0, Math.min(greatest, index.b.value - 1)];",
      "return [0, Math.min(greatest, index.b.value - 2)];",
    ],
    ["greatest += factor > 0 ? factor * high : factor * low;", "greatest += factor * high;"],
    ["const low = ((constant % divisor) + divisor) % divisor;", "const low = constant % divisor;"],
    ["if (quotient.factor % divisor !== 0) continue;", ""],
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
    [
      "`${within(a, level)} ${operator} ${within(b, level + 1)}`",
      "`${within(a, level)} ${operator} ${within(b, level)}`",
    ],
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
    ["s.kernel === 1 && s.stride === 1 && s.pad === 0", "s.kernel === 1 && s.stride === 1"],
    ["(s.kernel - 1) * s.dilation + 1", "(s.kernel - 1) * s.dilation"],
  ),
  ...faultsIn("codegen/contraction/matmul-contraction.ts", CONTRACTION, [
    "b.shape[0] === 1 && !transA",
    "b.shape[0] === 1",
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
    ['Object.is(value, -0) ? "-0" : ', "", ["test/codegen/targets/ts/ts-module.test.ts", ...OPS]],
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
    [
      "element(type)} s${slot}[${elements}];",
      "element(type)} s${slot}[${elements + 1}];",
      CUDA_REDUCE,
      "an element more than is used",
    ],
  ),
  ...faultsIn(
    "runtime/devices/ts/inline-executor.ts",
    ["test/runtime/devices/copies.test.ts"],
    ["if (copy.pass === pass) copy.to.set(copy.from)", "copy.to.set(copy.from)"],
  ),
  ...faultsIn(
    "runtime/devices/cuda/cuda-executor.ts",
    ["test/runtime/devices/cuda/cuda-device.test.ts"],
    [".filter((copy) => copy.pass === pass)", ""],
    ["WORD * from.elements", "from.elements"],
  ),
  ...faultsIn(
    "runtime/devices/ts/ts-worker.ts",
    ["test/runtime/devices/ts/ranges.test.ts", "test/codegen/targets/ts/ts-module.test.ts"],
    [
      "Atomics.add(handedOut, i, piece)",
      "Atomics.add(handedOut, i, piece - 1)",
      undefined,
      "an iteration twice gives the same values",
    ],
  ),
  ...faultsIn(
    "runtime/net/training-step.ts",
    ["test/src/net/training.test.ts", "test/src/create-solver.test.ts"],
    ["first: batch === 0 ? 1 : 0", "first: 1"],
    ["loss: loss / batches.length", "loss"],
    ["loss += weight * sum;", "loss += sum;"],
  ),
  ...faultsIn(
    "runtime/net/runner.ts",
    ["test/runtime/net/prepare.test.ts"],
    ["if (update.pass === pass) params", "if (update.pass !== pass) params"],
    ["if (changes !== prepared) await", "if (prepared === -1) await"],
  ),
  ...faultsIn(
    "runtime/solver/rate.ts",
    POLICY,
    ["iteration >= stepvalue[before]", "iteration > stepvalue[before]"],
    ["Math.floor(iteration / stepsize)", "Math.round(iteration / stepsize)"],
    [
      "Math.exp(-gamma * (iteration - settings.stepsize))",
      "Math.exp(gamma * (iteration - settings.stepsize))",
    ],
    ["rate: float(rate({", "rate: (rate({"],
  ),
  ...faultsIn(
    "runtime/solver/smoothing.ts",
    [...SOLVER, "test/src/cli/train.test.ts"],
    ["return sum / losses.length;", "return sum / window;"],
    ["sum += loss - (losses[next] ?? 0);", "sum += loss;"],
  ),
  ...faultsIn(
    "runtime/solver/testing.ts",
    SOLVER,
    ["value: sums[i] / batches", "value: sums[i]"],
    ["sum + lossWeight * value", "sum + value"],
  ),
  ...faultsIn(
    "runtime/solver/iterations.ts",
    SOLVER,
    ["(iteration > 0 || solver.test_initialization)", "iteration > 0"],
    ["const images = batchSize(net) * solver.iter_size;", "const images = batchSize(net);"],
  ),
  ...faultsIn("runtime/solver/rule-scalars.ts", UPDATES, [
    "momentum2 ** (iteration + 1)",
    "momentum2 ** iteration",
  ]),
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
  ...faultsIn(
    "runtime/weights/match.ts",
    ["test/runtime/weights/match.test.ts"],
    [
      "sizeOf(given) !== sizeOf(wanted)",
      "false",
      undefined,
      "the extents that are compared behind it say the same",
    ],
    [
      "i < extra ? 1 : wanted[i - extra]",
      "i < extra ? extent : wanted[i - extra]",
      undefined,
      "the sizes are equal already",
    ],
    ["wanted.length >= 4", "wanted.length > 4", undefined, "two shapes of four axes were compared before"],
  ),
  ...faultsIn(
    "runtime/weights/safetensors.ts",
    WEIGHTS,
    ["if (entry.from < end) damaged", "if (entry.from < end - 4) damaged"],
    ['dtype === "F32" ? 4 : 8', "4"],
  ),
  ...faultsIn(
    "runtime/weights/caffemodel.ts",
    WEIGHTS,
    ["value < 128 ? [value]", "value <= 128 ? [value]"],
    [
      "[blob.num, blob.channels, blob.height, blob.width]",
      "[blob.num, blob.channels, blob.width, blob.height]",
    ],
  ),
  ...faultsIn(
    "runtime/data/transform.ts",
    ["test/runtime/data/transform.test.ts"],
    ["random.integer(height - rows + 1)", "random.integer(height - rows)"],
    ["columns - 1 - x", "columns - x"],
    ["(width - columns) >> 1", "(height - rows) >> 1"],
  ),
  ...faultsIn(
    "runtime/data/resize.ts",
    ["test/runtime/data/resize.test.ts"],
    ["rest === 0.5 && below % 2 === 1", "rest === 0.5"],
  ),
  ...faultsIn(
    "runtime/data/idx.ts",
    ["test/runtime/data/idx.test.ts"],
    ["skip: async () => at++ < count", "skip: async () => at < count"],
  ),
  ...faultsIn(
    "runtime/random/philox.ts",
    ["test/runtime/random/philox.test.ts"],
    ["const ROUNDS = 10", "const ROUNDS = 9"],
  ),
  ...faultsIn("src/layers/catalogue/pooling.ts", oracle("Pooling"), [
    "const LOWEST = -3.4028234663852886e38;",
    "const LOWEST = 0;",
    ["test/src/layers/uncommon-layers.test.ts", "test/src/layers/lower.test.ts"],
  ]),
  ...faultsIn(
    "src/layers/catalogue/lrn.ts",
    oracle("LRN"),
    ["size * size", "size"],
    ["across ? parameter.k : 1", "parameter.k"],
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
    oracle("net-"),
    ["if (!contributes) layerNeeds[index] = false;", ""],
    ["layer.propagateDown.length > 0 ? layer.propagateDown[i] : blobNeed", "blobNeed"],
  ),
  ...faultsIn(
    "src/net/objective.ts",
    ["test/src/net/compile.test.ts", ...oracle("net-")],
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
    "src/compare-nets.ts",
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
    ["next.length < best.length ? next : best", "next.length > best.length ? next : best"],
  ),
  ...faultsIn(
    "src/cli/option-values.ts",
    ["test/src/cli/arguments.test.ts", "test/src/cli/usage.test.ts"],
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
