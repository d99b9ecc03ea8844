import { InternalError } from "../../proto/errors/index.js";
import { sizeOf } from "../ir/graph.js";
import { add, addInt, flatten, mul, unflatten } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import { load, plus, ZERO_VALUE } from "../kernel/writer.js";
import { convSizes, overShape, partsOf, pixelOffset, stridesOf, tapOffset } from "./conv-geometry.js";
import type { LoweredKernel, StepContext } from "./step.js";
import { accumulate, forTiles, range } from "./tiles.js";

/**
 * The adjoint of convolution in its input (Caffe's Deconvolution): tiles of (channel, tap) × pixels of
 * Σ over o of w[o, c, tap] · y[n, o, p] are added into a padded plane, whose inside is the result. Parallel over
 * image × group × parts of the channels.
 */
export function lowerConvData(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  if (anchor.op !== "convData") throw new InternalError(`lowerConvData of ${anchor.op}`);
  const [y, w] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, anchor.shape, w.shape);
  const { images, groups, channels, filters, taps, kernel, output, pixels, input, padded, pad, plane } =
    sizes;

  const draft = context.open();
  const { writer, evaluate } = draft;
  const parts = partsOf(
    channels,
    images * groups,
    target.parallelIterations,
    Math.max(1, Math.ceil(16 / taps)),
  );
  const own = channels / parts;
  const [image, group, part] = unflatten(writer.parallel(images * groups * parts), [
    images,
    groups,
    parts,
  ]).map((c) => writer.integer(c)) as [Index, Index, Index];
  const result = writer.scratch("accumulator", own * plane);
  const tapAt = writer.scratch("index", own * taps);
  const pixelAt = writer.scratch("index", pixels);
  writer.prologue(() => {
    writer.loop(0, own, (c) =>
      overShape(writer, kernel, (tap) =>
        writer.storeIndex(
          tapAt,
          add(mul(c, taps), flatten(tap, kernel)),
          add(mul(c, plane), tapOffset(sizes, tap)),
        ),
      ),
    );
    overShape(writer, output, (pixel) =>
      writer.storeIndex(pixelAt, flatten(pixel, output), pixelOffset(sizes, pixel)),
    );
  });

  writer.loop(0, own * plane, (i) => writer.store(result, i, ZERO_VALUE));
  const firstFilter = mul(group, filters);
  const firstTap = mul(part, own * taps);
  forTiles(writer, own * taps, target.tile.rows, (t, height) =>
    forTiles(writer, pixels, target.tile.columns, (p, width) => {
      const sums = accumulate(
        writer,
        height,
        width,
        (body) => writer.loop(0, filters, body),
        (o) => {
          const filter = add(firstFilter, o);
          return {
            rows: range(height).map((i) =>
              evaluate.elementAt(w, add(mul(filter, channels * taps), addInt(add(firstTap, t), i))),
            ),
            columns: range(width).map((j) =>
              evaluate.elementAt(
                y,
                add(mul(add(mul(image, groups * filters), filter), pixels), addInt(p, j)),
              ),
            ),
          };
        },
      );
      const columnsAt = range(width).map((j) =>
        writer.integer({ kind: "iload", buffer: pixelAt, at: addInt(p, j) }),
      );
      for (const i of range(height)) {
        const row = writer.integer({ kind: "iload", buffer: tapAt, at: addInt(t, i) });
        for (const j of range(width)) {
          const at = add(row, columnsAt[j]);
          writer.store(result, at, plus(load(result, at), sums[i][j]));
        }
      }
    }),
  );
  const strides = stridesOf(padded);
  writer.loop(0, own, (c) =>
    overShape(writer, input, (at) => {
      const from = at.reduce<Index>(
        (sum, v, axis) => add(sum, mul(addInt(v, pad[axis]), strides[axis])),
        mul(c, plane),
      );
      const channel = add(add(mul(group, channels), mul(part, own)), c);
      draft.storeAt([image, channel, ...unflatten(flatten(at, input), anchor.shape.slice(2))], {
        type: "real",
        value: load(result, from),
      });
    }),
  );
  return [draft.close(2 * images * groups * filters * pixels * channels * sizeOf(kernel))];
}
