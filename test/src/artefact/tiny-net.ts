/** A small net that learns, and what is done with it wherever it was built to run. */
import { parseSolver } from "../../../src/index.js";
import { learningScenario, runCompiled } from "./compiled-run.js";
import { standIn } from "./support.js";

const BATCH = 4;
export const TINY_ELEMENTS = BATCH * 3 * 12 * 13;
export const TINY_NET = `name: "tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: ${BATCH} dim: 3 dim: 12 dim: 13 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: ${BATCH} } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 20 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 7 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
`;
const SOLVER = 'base_lr: 0.1 lr_policy: "inv" gamma: 0.1 power: 0.75 momentum: 0.9 weight_decay: 0.01';
const STEPS = 3;

/** Options of its build. */
export const TINY_BUILD = { train: true, solver: SOLVER, keep: ["conv"], seed: 3 } as const;

/** A scenario that runs it and lets it learn. @param options of `load` */
export const tinyScenario = (options = ""): string =>
  learningScenario({
    options,
    label: "Float32Array.of(0, 3, 6, 1)",
    elements: TINY_ELEMENTS,
    kept: "conv",
    steps: STEPS,
  });

/** What the compiled net gives, as the scenario does, but for what it saves. */
export const compiledTiny = (target: "native" | "wasm" | "ts"): Promise<unknown> =>
  runCompiled({
    net: TINY_NET,
    solver: parseSolver(SOLVER).solver,
    options: { target, seed: 3 },
    kept: "conv",
    steps: STEPS,
    batch: (step) => ({ data: standIn(TINY_ELEMENTS, step), label: Float32Array.of(0, 3, 6, 1) }),
  });
