import { InternalError } from "../../proto/errors/index.js";
import type { Op } from "../ir/graph.js";
import type { Lowering } from "../lower/lowering.js";
import type { StepContext } from "../lower/step.js";
import type { Contraction } from "./contraction.js";
import { convContraction, convDataContraction, convFilterContraction } from "./conv-contractions.js";
import { matmulContraction } from "./matmul-contraction.js";
import type { StridedContraction } from "./strided.js";
import { stridedConv, stridedConvData, stridedConvFilter, stridedMatmul } from "./strided-products.js";

/** The operations that are sums of products: each is one contraction, whatever schedule carries it out. */
export const PRODUCTS = ["matmul", "conv", "convData", "convFilter"] as const satisfies readonly Op[];
export type ProductOp = (typeof PRODUCTS)[number];

/** The product that a step computes, its operands read where they lie: for threads that each gather their results. */
export function contractionOf(context: StepContext): Contraction {
  const { anchor } = context;
  switch (anchor.op) {
    case "matmul":
      return matmulContraction(context);
    case "conv":
      return convContraction(context);
    case "convData":
      return convDataContraction(context);
    case "convFilter":
      return convFilterContraction(context);
    default:
      throw new InternalError(`${anchor.op} is no product`);
  }
}

/** The same as strided views, without a guard: for loops of one thread. */
export function stridedContractionOf({ anchor }: StepContext): StridedContraction {
  switch (anchor.op) {
    case "matmul":
      return stridedMatmul(anchor);
    case "conv":
      return stridedConv(anchor);
    case "convData":
      return stridedConvData(anchor);
    case "convFilter":
      return stridedConvFilter(anchor);
    default:
      throw new InternalError(`${anchor.op} is no product`);
  }
}

/** One lowering for all products. */
export const productLowerings = (lower: Lowering): Readonly<Record<ProductOp, Lowering>> => ({
  matmul: lower,
  conv: lower,
  convData: lower,
  convFilter: lower,
});
