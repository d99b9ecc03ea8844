import { loopLowerings } from "../lower/loop-lowerings.js";
import type { Lowerings } from "../lower/lowering.js";
import type { LoweredKernel, StepContext } from "../lower/step.js";
import { lowerLaneConv } from "./contraction/lane-conv.js";
import { lowerLaneConvData } from "./contraction/lane-conv-data.js";
import { lowerLaneConvFilter } from "./contraction/lane-conv-filter.js";
import { lowerLaneMatmul } from "./contraction/lane-matmul.js";
import { lowerLaneReduce } from "./lane-reduce.js";
import { lowerLaneWindow } from "./lane-windows.js";
import { lowerWinograd } from "./winograd/lower-winograd.js";
import { lowerWinogradFilter } from "./winograd/winograd-filter.js";

type Lowering = (context: StepContext) => readonly LoweredKernel[];

/** What a pass has marked for Winograd's algorithm by that, all else directly. */
const orWinograd =
  (direct: Lowering, winograd: Lowering): Lowering =>
  (context) => {
    const { anchor } = context;
    const marked = "geometry" in anchor && anchor.geometry.algorithm === "winograd";
    return (marked ? winograd : direct)(context);
  };

/** Steps for targets whose teams are the lanes of a vector; what is not listed puts its elements in lanes by itself. */
export const laneLowerings: Lowerings = {
  ...loopLowerings,
  matmul: lowerLaneMatmul,
  conv: orWinograd(lowerLaneConv, lowerWinograd),
  convData: orWinograd(lowerLaneConvData, lowerWinograd),
  convFilter: orWinograd(lowerLaneConvFilter, lowerWinogradFilter),
  reduce: lowerLaneReduce,
  windowMax: lowerLaneWindow,
  windowArgmax: lowerLaneWindow,
  windowSum: lowerLaneWindow,
  windowSpread: lowerLaneWindow,
  windowScatter: lowerLaneWindow,
};
