import type { StepContext } from "../../lower/step.js";
import { formOf, type WinogradSizes } from "./winograd-sizes.js";
import type { TiledPlanes } from "./winograd-tiles.js";
import { inputTransform, outputAdjoint } from "./winograd-transforms.js";

/** What a correlation, or an adjoint, reads: the planes of a step's first operand. */
export const inputPlanes = ({ anchor }: StepContext, sizes: WinogradSizes): TiledPlanes => ({
  node: anchor.inputs[0],
  channels: sizes.groups * sizes.channels,
  plane: sizes.input,
  pad: sizes.adjoint ? [0, 0] : sizes.pad,
  extent: formOf(sizes).read,
  transform: sizes.adjoint ? outputAdjoint : inputTransform,
});
