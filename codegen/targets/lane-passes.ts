import { hoistValues } from "../kernel/hoist-values.js";
import { turnSums } from "../kernel/turn-sums.js";
import { winogradPass } from "../lanes/winograd/winograd-pass.js";
import { foldParameters, type Pass, powersByRoots } from "../passes/index.js";
import type { KernelPass } from "./target.js";

/** Passes of the graph that targets with lanes have. */
export const LANE_PASSES: readonly Pass[] = [
  {
    name: "fold parameters",
    about: "in inference, what parameters alone determine is computed once: BatchNorm and Scale",
    run: foldParameters,
  },
  { name: "powers by roots", about: "x^(−3/4) and its kin are made of square roots", run: powersByRoots },
  winogradPass,
];

/** Passes over their kernels. */
export const LANE_KERNEL_PASSES: readonly KernelPass[] = [
  {
    name: "hoist values",
    about: "reals that a loop does not change are computed in front of it",
    run: hoistValues,
  },
  {
    name: "turn sums",
    about: "loops that sum products make some turns between two tests for their end",
    run: turnSums,
  },
];
