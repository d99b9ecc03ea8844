import { lowerBlocked } from "../contraction/blocked.js";
import { productLowerings } from "../contraction/contraction-of.js";
import { lowerElementwise } from "./lower-elementwise.js";
import { lowerReduce } from "./lower-reduce.js";
import { lowerScatter } from "./lower-scatter.js";
import { lowerWindow } from "./lower-window.js";
import type { Lowerings } from "./lowering.js";

/** Steps as loops of which each iteration has one thread: right for every target. */
export const loopLowerings: Lowerings = {
  input: undefined,
  param: undefined,
  constant: lowerElementwise,
  map: lowerElementwise,
  reduce: lowerReduce,
  ...productLowerings(lowerBlocked),
  windowMax: lowerWindow,
  windowArgmax: lowerWindow,
  windowScatter: lowerWindow,
  windowPick: lowerElementwise,
  windowSum: lowerWindow,
  windowSpread: lowerWindow,
  gather: lowerElementwise,
  scatter: lowerScatter,
  reshape: lowerElementwise,
  transpose: lowerElementwise,
  slice: lowerElementwise,
  concat: lowerElementwise,
  pad: lowerElementwise,
  random: lowerElementwise,
  blob: lowerElementwise,
  stop: lowerElementwise,
};
