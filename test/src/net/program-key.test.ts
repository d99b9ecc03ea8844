/** By what programs are found again: equal keys must mean equal programs, though no graph is made for a key. */
import { describe, expect, it } from "vitest";
import { graphKey } from "../../../codegen/ir/key.js";
import { constant, mul } from "../../../codegen/ir/scalar.js";
import { nativeTarget } from "../../../codegen/targets/index.js";
import { elementwise, parseSolver } from "../../../src/index.js";
import { programKey } from "../../../src/net/program-key.js";
import { netRequest, type ProgramOptions, trainingRequests } from "../../../src/net/programs.js";
import { lowerText } from "../../support/lowered.js";

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 5 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 2 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" param { lr_mult: 1 } param { lr_mult: 2 }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip" top: "drop" }
layer { name: "own" type: "Own" bottom: "drop" top: "own" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "own" bottom: "label" top: "loss" }`;
const SOLVER = 'type: "SGD" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.5 max_iter: 100';

interface Given {
  readonly text?: string;
  readonly solver?: string;
  readonly factor?: number;
  readonly keep?: readonly string[];
  readonly keptDiffs?: readonly number[];
  readonly watch?: boolean;
  readonly seeds?: readonly string[];
  readonly backward?: boolean;
  readonly options?: Partial<ProgramOptions>;
}

/** The keys of a net's programs, and those of their graphs. */
function keysOf({ text = NET, solver = SOLVER, factor = 2, options = {}, ...given }: Given = {}) {
  const { keep = [], keptDiffs, watch, seeds = [], backward = true } = given;
  // What it computes stands in a function alone.
  const own = elementwise({
    ...{ type: "Own", summary: "c·x", equation: "y = c·x" },
    apply: (x) => mul(x, constant(factor)),
  });
  const compiled: ProgramOptions = { target: nativeTarget, dtype: "float32", seed: 1, ...options };
  const lower = () => lowerText(text, { types: [own] });
  const [net, training] = [lower(), lower()];
  const objective = { keep, keptDiffs, watch };
  const { step, update } = trainingRequests(training, objective, parseSolver(solver).solver, compiled);
  const requests = [
    [net, netRequest(net, { backward, seeds, keep, watch }, compiled)] as const,
    [training, step] as const,
    ...(update ? [[training, update] as const] : []),
  ];
  // The keys first: they must not depend on whether there are graphs.
  const keys = requests.map(([lowered, request]) => programKey(request, lowered));
  return { keys, graphs: requests.map(([, { graph }]) => graphKey(graph())) };
}

const base = keysOf();
const [NETS, STEPS, BOTH] = [[0], [1], [0, 1]];

describe("the key of a program", () => {
  it.each<[string, Given]>([
    ["what stands beside the layers in the text", { text: `# The same net.\n\n${NET}` }],
    ["fillers", { text: NET.replace("xavier", "gaussian") }],
    ["the rate", { solver: SOLVER.replace("0.1", "0.2") }],
    ["the number of iterations", { solver: SOLVER.replace("100", "200") }],
    ["files", { solver: `${SOLVER} snapshot_prefix: "elsewhere"` }],
  ])("does not depend on %s", (_, given) => {
    expect(keysOf(given)).toEqual(base);
  });

  it.each<[string, Given, readonly number[]]>([
    ["extents", { text: NET.replace("num_output: 3", "num_output: 4") }, BOTH],
    ["what an own layer computes", { factor: 3 }, BOTH],
    [
      "a layer's settings",
      { text: NET.replace('"Dropout"', '"Dropout" dropout_param { dropout_ratio: 0.2 }') },
      BOTH,
    ],
    ["names of blobs", { text: NET.replace('top: "loss"', 'top: "other"') }, BOTH],
    ["the weight of a loss", { text: NET.replace(/\}$/, "loss_weight: 2 }") }, BOTH],
    ["what learns", { text: NET.replace("param { lr_mult: 1 }", "param { lr_mult: 0 }") }, BOTH],
    ["factors of the rate", { text: NET.replace("lr_mult: 2", "lr_mult: 3") }, STEPS],
    ["factors of the decay", { text: NET.replace("lr_mult: 2", "lr_mult: 2 decay_mult: 0") }, STEPS],
    ["diffs of inputs", { text: `force_backward: true\n${NET}` }, NETS],
    ["blobs that stay readable", { keep: ["ip"] }, BOTH],
    ["diffs of parameters", { keptDiffs: [0] }, STEPS],
    ["diffs that are given", { seeds: ["ip"] }, NETS],
    ["forward alone", { backward: false }, NETS],
    ["debugging", { watch: true }, BOTH],
    ["the rule", { solver: SOLVER.replace("SGD", "Nesterov") }, STEPS],
    ["the momentum", { solver: SOLVER.replace("0.9", "0.8") }, STEPS],
    ["the decay", { solver: SOLVER.replace("0.5", "0.4") }, STEPS],
    ["the kind of decay", { solver: `${SOLVER} regularization_type: "L1"` }, STEPS],
    ["clipping", { solver: `${SOLVER} clip_gradients: 10` }, STEPS],
    ["batches of a step", { solver: `${SOLVER} iter_size: 2` }, STEPS],
  ])("depends on %s", (_, given, which) => {
    const { keys, graphs } = keysOf(given);
    const others = base.graphs.flatMap((graph, program) => (graphs[program] === graph ? [] : [program]));
    expect(others).toEqual(which);
    // A key may differ where a graph does not: that costs time, and no more.
    for (const program of others) expect(keys[program]).not.toBe(base.keys[program]);
  });

  it.each<[string, Partial<ProgramOptions>]>([
    ["the real type", { dtype: "float64" }],
    ["the seed", { seed: 2 }],
    ["the passes", { passes: { winograd: false } }],
    ["the vectors", { description: nativeTarget.describe("sse") }],
  ])("depends on %s, the graph being the same", (_, options) => {
    const { keys, graphs } = keysOf({ options });
    expect(graphs).toEqual(base.graphs);
    for (const [program, key] of base.keys.entries()) expect(keys[program]).not.toBe(key);
  });

  it("tells the two programs of several batches apart", () => {
    const { keys } = keysOf({ solver: `${SOLVER} iter_size: 2` });
    expect(new Set(keys).size).toBe(3);
  });
});
