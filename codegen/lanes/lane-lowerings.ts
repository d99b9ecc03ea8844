import { loopLowerings } from "../lower/loop-lowerings.js";
import type { Lowerings } from "../lower/lowering.js";
import { lowerLaneConv } from "./contraction/lane-conv.js";
import { lowerLaneConvData } from "./contraction/lane-conv-data.js";
import { lowerLaneConvFilter } from "./contraction/lane-conv-filter.js";
import { lowerLaneMatmul } from "./contraction/lane-matmul.js";
import { lowerLaneReduce } from "./lane-reduce.js";
import { lowerLaneWindow } from "./lane-windows.js";

/** Steps for targets whose teams are the lanes of a vector; what is not listed puts its elements in lanes by itself. */
export const laneLowerings: Lowerings = {
  ...loopLowerings,
  matmul: lowerLaneMatmul,
  conv: lowerLaneConv,
  convData: lowerLaneConvData,
  convFilter: lowerLaneConvFilter,
  reduce: lowerLaneReduce,
  windowMax: lowerLaneWindow,
  windowArgmax: lowerLaneWindow,
  windowSum: lowerLaneWindow,
  windowSpread: lowerLaneWindow,
  windowScatter: lowerLaneWindow,
};
