import { InternalError } from "../../../proto/errors/index.js";
import { lowerBlocked } from "../../contraction/blocked.js";
import { sizeOf } from "../../ir/graph.js";
import type { LoweredKernel, StepContext } from "../../lower/step.js";
import { lanesFor, widestVector } from "../lane-nest.js";
import { lowerColumns } from "./column-product.js";
import { lowerDots } from "./dot-product.js";
import { laneProductOf, turnedProduct } from "./lane-product.js";

/** Rows up to which a matrix that lies along depth is read as it lies: packed, more of them pay for that. */
const FEW_ROWS = 24;

/** Of lanes, the share that may be idle. */
const MOST_IDLE = 0.15;
const fills = (count: number, lanes: number): boolean =>
  Math.ceil(count / lanes) * lanes * (1 - MOST_IDLE) <= count;

/** Products of matrices: columns in lanes, or depth where few rows meet a matrix that lies that way. */
export function lowerLaneMatmul(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  if (anchor.op !== "matmul") throw new InternalError(`lowerLaneMatmul of ${anchor.op}`);
  const widest = widestVector(context);
  if (!target.lanes || widest === 1) return lowerBlocked(context);
  const product = laneProductOf(anchor);
  const { a, b, rows, columns, depth } = product;
  if (sizeOf(anchor.shape) === 0 || depth === 0) return lowerBlocked(context);
  const inMemory = !context.computed.has(b.node);
  const alongDepth = b.depth === 1 && b.column !== 1 && inMemory && depth >= 2 * widest;
  if (alongDepth && a.depth === 1 && (rows <= FEW_ROWS || 32 * rows <= depth))
    return lowerDots(context, product, lanesFor(depth, widest), target.lanes);
  const lanes = lanesFor(rows, widest);
  // Of the two matrices the smaller one is packed, if its rows fill vectors.
  if (alongDepth && a.depth === 1 && rows < columns && fills(rows, lanes))
    return lowerColumns(context, turnedProduct(product), lanes, target.lanes);
  return lowerColumns(context, product, lanesFor(columns, widest), target.lanes);
}
