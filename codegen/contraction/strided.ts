import type { Node, Shape } from "../ir/graph.js";

/**
 * A contraction of which all operands are strided views: an element lies at the sum of its coordinates times the view's
 * strides, so a position is a row's (a column's) plus a depth's, and no element is guarded. Convolution is one too,
 * over x with its padding written out: position of pixel + position of tap.
 *
 * Unlike `Contraction`, whose every result is gathered by one thread, several rows and columns may add to one result
 * (`kept`): the adjoint of convolution in x then does no work on zeros, whatever its stride.
 */
export interface StridedContraction {
  readonly a: StridedOperand;
  readonly b: StridedOperand;
  /** Independent products: `result` is where theirs lie in the node. */
  readonly batch: Axes<"a" | "b" | "result">;
  /** `result`: in the node, or, where results are kept, in that memory. */
  readonly rows: Axes<"a" | "result">;
  readonly columns: Axes<"b" | "result">;
  /** Summed over outside of the blocks: what their sums are added to is kept between turns. */
  readonly turns: Axes<"a" | "b">;
  /** Summed over inside of a block. */
  readonly depth: Axes<"a" | "b">;
  /** Absent: each result is the sum of one block, stored at once. */
  readonly kept?: Kept;
  /** Multiplications and additions that the result needs. */
  readonly flops: number;
}

/** Axes walked together, and what each view moves by along them, in elements. */
export interface Axes<View extends string> {
  readonly shape: Shape;
  readonly strides: Readonly<Record<View, readonly number[]>>;
}

export interface StridedOperand {
  readonly node: Node;
  /**
   * A copy of what one member of the batch, in one turn, reads of the node: the strides of batch and turns are the
   * node's, those of rows (columns) and depth the copy's.
   */
  readonly copy?: OperandCopy;
}

/**
 * `padded`: planes with the zeros around them that their reader reaches. A kind "packed", in the order in which blocks
 * read, would stand beside it for targets whose lanes want it.
 *
 * A copy lies in scratch, in the type sums are kept in: the batch's would double what x takes of the arena, and
 * JavaScript then need not widen its elements again at every product. What depends on parameters alone could be
 * copied once after they change, into memory that the step keeps, as lowerings in lanes do with packed weights.
 */
export type OperandCopy = PaddedCopy;

export interface PaddedCopy {
  readonly kind: "padded";
  readonly planes: number;
  /** The extents of a plane, those of its copy, and the zeros before it on each axis. */
  readonly input: Shape;
  readonly padded: Shape;
  readonly before: readonly number[];
}

/** Memory of one iteration where results are summed up; what becomes of it in the end. */
export interface Kept {
  readonly elements: number;
  /** The elements that are stored, the outermost axis being the rows' outermost: from `start` on, `result` in the node. */
  readonly stored: Axes<"kept" | "result">;
  readonly start: number;
}

/** The same axes with neighbours that every view walks as one joined, and those of one position left out. */
export function joinAxes<View extends string>({ shape, strides }: Axes<View>): Axes<View> {
  const views = Object.keys(strides) as View[];
  const extents: number[] = [];
  const joined = Object.fromEntries(views.map((view) => [view, [] as number[]])) as Record<View, number[]>;
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = extents.length - 1;
    const whole = last >= 0 && views.every((view) => joined[view][last] === strides[view][axis] * extent);
    if (whole) extents[last] *= extent;
    else extents.push(extent);
    for (const view of views) joined[view][whole ? last : last + 1] = strides[view][axis];
  });
  return { shape: extents, strides: joined };
}

/** The same with the rows' outermost axis cut into equal parts, which are members of the batch. */
export function splitRows(contraction: StridedContraction, parts: number): StridedContraction {
  const { batch, rows, kept } = contraction;
  const cutFirst = (shape: Shape): Shape => [shape[0] / parts, ...shape.slice(1)];
  const own = rows.shape[0] / parts;
  const stored = kept ? kept.stored.strides.result[0] : rows.strides.result[0];
  const { a, b, result } = batch.strides;
  return {
    ...contraction,
    batch: {
      shape: [...batch.shape, parts],
      strides: { a: [...a, own * rows.strides.a[0]], b: [...b, 0], result: [...result, own * stored] },
    },
    rows: { ...rows, shape: cutFirst(rows.shape) },
    ...(kept && {
      kept: {
        ...kept,
        elements: kept.elements / parts,
        stored: { ...kept.stored, shape: cutFirst(kept.stored.shape) },
      },
    }),
  };
}

/** Row-major strides. */
export function stridesOf(shape: Shape): readonly number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}
