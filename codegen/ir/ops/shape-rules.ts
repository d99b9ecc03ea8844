import { InternalError } from "../../../proto/errors/index.js";
import type { Shape } from "../graph.js";

export const fail = (message: string): never => {
  throw new InternalError(message);
};

export const expect = (holds: boolean, message: () => string): void => {
  if (!holds) fail(message());
};

export const show = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The shape with another extent along one axis. */
export const withExtent = (shape: Shape, axis: number, extent: number): Shape =>
  shape.map((e, i) => (i === axis ? extent : e));

/** The common shape of operands under broadcasting from the right; undefined where extents conflict. */
export function broadcastShape(shapes: readonly Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const axis = rank - shape.length + i;
      if (shape[i] === 1) continue;
      if (result[axis] !== 1 && result[axis] !== shape[i]) return undefined;
      result[axis] = shape[i];
    }
  }
  return result;
}

/** The axes along which x, of the same rank, is broadcast to a shape. */
export const broadcastAxes = (x: Shape, to: Shape): readonly number[] =>
  to.flatMap((extent, axis) => (x[axis] === 1 && extent !== 1 ? [axis] : []));
