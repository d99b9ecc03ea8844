import { InternalError } from "../../proto/errors/index.js";
import { type Node, sizeOf } from "../ir/graph.js";
import { add, addInt, flatten, mul, unflatten } from "../kernel/indices.js";
import type { Index, Value } from "../kernel/kernel.js";
import { type KernelWriter, load, ZERO_VALUE } from "../kernel/writer.js";
import {
  type ConvSizes,
  convSizes,
  overShape,
  partsOf,
  pixelOffset,
  stridesOf,
  tapTable,
} from "./conv-geometry.js";
import type { KernelDraft, LoweredKernel, StepContext } from "./step.js";
import { accumulate, forTiles, range } from "./tiles.js";

/**
 * x's channels of one group of one image, with the padding written out, so that the inner loops need no
 * comparisons. Where nothing is padded or computed, x itself serves.
 */
export interface PaddedInput {
  /** Fills it for an image and group. */
  fill(image: Index, group: Index): void;
  /** The element at `offset` from the start of the group's first channel. */
  at(image: Index, group: Index, offset: Index): Value;
}

export function paddedInput(draft: KernelDraft, x: Node, sizes: ConvSizes): PaddedInput {
  const { writer, evaluate } = draft;
  const { channels, groups, input, padded, pad, plane } = sizes;
  const start = (image: Index, group: Index): Index =>
    mul(add(mul(image, groups), group), channels * sizeOf(input));
  if (sizes.unpadded && evaluate.inMemory(x))
    return {
      fill: () => undefined,
      at: (image, group, offset) => evaluate.elementAt(x, add(start(image, group), offset)),
    };
  const copy = writer.scratch("accumulator", channels * plane);
  // The border stays as it is here: `fill` writes the inside only.
  if (!sizes.unpadded)
    writer.prologue(() => writer.loop(0, channels * plane, (i) => writer.store(copy, i, ZERO_VALUE)));
  const strides = stridesOf(padded);
  return {
    fill: (image, group) =>
      writer.loop(0, channels, (c) =>
        overShape(writer, input, (at) => {
          const from = add(add(start(image, group), mul(c, sizeOf(input))), flatten(at, input));
          const to = at.reduce<Index>(
            (sum, v, axis) => add(sum, mul(addInt(v, pad[axis]), strides[axis])),
            mul(c, plane),
          );
          writer.store(copy, to, evaluate.elementAt(x, from));
        }),
      ),
    at: (_image, _group, offset) => writer.real(load(copy, offset)),
  };
}

/** Loops over output pixels in tiles along the last axis. */
export function overPixels(
  writer: KernelWriter,
  sizes: ConvSizes,
  tile: number,
  body: (pixel: readonly Index[], width: number) => void,
): void {
  const last = sizes.output.length - 1;
  overShape(writer, sizes.output.slice(0, last), (outer) =>
    forTiles(writer, sizes.output[last], tile, (start, width) => body([...outer, start], width)),
  );
}

/**
 * Convolution: y[n, o, p] = Σ over (c, tap) of w[o, c, tap] · x[n, c, p·stride + tap·dilation − pad], in tiles of
 * filters × pixels of a row. Parallel over image × group × parts of the filters.
 */
export function lowerConv(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  if (anchor.op !== "conv") throw new InternalError(`lowerConv of ${anchor.op}`);
  const [x, w] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, x.shape, w.shape);
  const { images, groups, channels, filters, taps, output, pixels, stride } = sizes;
  const depth = channels * taps;

  const draft = context.open();
  const { writer, evaluate } = draft;
  const parts = partsOf(filters, images * groups, target.parallelIterations, 16);
  const [image, group, part] = unflatten(writer.parallel(images * groups * parts), [
    images,
    groups,
    parts,
  ]).map((c) => writer.integer(c)) as [Index, Index, Index];
  const source = paddedInput(draft, x, sizes);
  const tap = tapTable(writer, sizes);
  source.fill(image, group);
  const lastStride = stride[stride.length - 1];
  const firstFilter = add(mul(group, filters), mul(part, filters / parts));

  forTiles(writer, filters / parts, target.tile.rows, (o, height) => {
    const filter = writer.integer(add(firstFilter, o));
    overPixels(writer, sizes, target.tile.columns, (pixel, width) => {
      const base = writer.integer(pixelOffset(sizes, pixel));
      const sums = accumulate(
        writer,
        height,
        width,
        (body) => writer.loop(0, depth, body),
        (k) => {
          const offset = writer.integer(add(base, tap(k)));
          return {
            rows: range(height).map((i) => evaluate.elementAt(w, add(mul(addInt(filter, i), depth), k))),
            columns: range(width).map((j) => source.at(image, group, addInt(offset, j * lastStride))),
          };
        },
      );
      const flat = flatten(pixel, output);
      for (const i of range(height))
        for (const j of range(width))
          draft.storeAt([image, addInt(filter, i), ...unflatten(addInt(flat, j), anchor.shape.slice(2))], {
            type: "real",
            value: sums[i][j],
          });
    });
  });
  return [draft.close(2 * images * groups * filters * pixels * depth, undefined)];
}
