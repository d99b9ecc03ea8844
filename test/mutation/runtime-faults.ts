/** What runs a program: devices, nets, solvers, weights, data. */
import { type Fault, faultsIn, UPDATES, WEIGHTS } from "./fault.js";

const SOLVER = ["test/runtime/solver/testing.test.ts", "test/runtime/solver/solver.test.ts"];
const POLICY = ["test/runtime/solver/policy.test.ts"];

export const RUNTIME_FAULTS: readonly Fault[] = [
  ...faultsIn(
    "runtime/devices/threads/inline-executor.ts",
    ["test/runtime/devices/copies.test.ts"],
    ["if (copy.pass === pass) viewOf(copy.to, memory)", "viewOf(copy.to, memory)"],
  ),
  ...faultsIn(
    "runtime/devices/cuda/cuda-executor.ts",
    ["test/runtime/devices/cuda/cuda-device.test.ts"],
    [".filter((copy) => copy.pass === pass)", ""],
    ["WORD * from.elements", "from.elements"],
  ),
  ...faultsIn(
    "runtime/devices/threads/kernel-worker.ts",
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
    ['["F64", { is: "float", bytes: 8', '["F64", { is: "float", bytes: 4'],
  ),
  ...faultsIn("runtime/weights/caffemodel.ts", WEIGHTS, ["value < 128 ? [value]", "value <= 128 ? [value]"]),
  ...faultsIn("runtime/blob-proto.ts", WEIGHTS, [
    "[blob.num, blob.channels, blob.height, blob.width]",
    "[blob.num, blob.channels, blob.width, blob.height]",
  ]),
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
];
