import { InternalError } from "../../proto/errors/index.js";
import { add, addInt, flatten, mul, unflatten } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import { load, plus, ZERO_VALUE } from "../kernel/writer.js";
import { convSizes, overShape, partsOf, pixelOffset, tapTable } from "./conv-geometry.js";
import { paddedInput } from "./lower-conv.js";
import type { LoweredKernel, StepContext } from "./step.js";
import { accumulate, forTiles, range } from "./tiles.js";

/**
 * The adjoint of convolution in its filter: Σ over images and pixels of y[n, o, p] · x[n, c, p·stride + tap·dilation −
 * pad], in tiles of filters × (channel, tap). Images are added in order. Parallel over group × parts of the
 * filters.
 */
export function lowerConvFilter(context: StepContext): readonly LoweredKernel[] {
  const { anchor, target } = context;
  if (anchor.op !== "convFilter") throw new InternalError(`lowerConvFilter of ${anchor.op}`);
  const [x, y] = [anchor.inputs[0], anchor.inputs[1]];
  const sizes = convSizes(anchor.geometry, x.shape, anchor.shape);
  const { images, groups, channels, filters, taps, output, pixels } = sizes;
  const depth = channels * taps;

  const draft = context.open();
  const { writer, evaluate } = draft;
  const parts = partsOf(filters, groups, target.parallelIterations, target.tile.rows);
  const own = filters / parts;
  const [group, part] = unflatten(writer.parallel(groups * parts), [groups, parts]).map((c) =>
    writer.integer(c),
  ) as [Index, Index];
  const source = paddedInput(draft, x, sizes);
  const tap = tapTable(writer, sizes);
  const sum = writer.scratch("accumulator", own * depth);
  const firstFilter = writer.integer(add(mul(group, filters), mul(part, own)));
  const last = output.length - 1;

  writer.loop(0, own * depth, (i) => writer.store(sum, i, ZERO_VALUE));
  writer.loop(0, images, (image) => {
    source.fill(image, group);
    forTiles(writer, own, target.tile.rows, (o, height) =>
      forTiles(writer, depth, target.tile.columns, (t, width) => {
        const taken = range(width).map((j) => writer.integer(tap(addInt(t, j))));
        const filterAt = writer.integer(mul(add(mul(image, groups * filters), add(firstFilter, o)), pixels));
        const sums = accumulate(
          writer,
          height,
          width,
          (body) =>
            overShape(writer, output.slice(0, last), (outer) => {
              writer.loop(0, output[last], (v) => body(flatten([...outer, v], output)));
            }),
          (p) => {
            const pixel = unflatten(p, output);
            return {
              rows: range(height).map((i) => evaluate.elementAt(y, add(addInt(filterAt, i * pixels), p))),
              columns: range(width).map((j) =>
                source.at(image, group, add(taken[j], pixelOffset(sizes, pixel))),
              ),
            };
          },
        );
        for (const i of range(height))
          for (const j of range(width)) {
            const at = add(mul(addInt(o, i), depth), addInt(t, j));
            writer.store(sum, at, plus(load(sum, at), sums[i][j]));
          }
      }),
    );
  });
  writer.loop(0, own, (o) =>
    writer.loop(0, depth, (t) => {
      const at = add(mul(o, depth), t);
      draft.storeAt([add(firstFilter, o), ...unflatten(t, anchor.shape.slice(1))], {
        type: "real",
        value: load(sum, at),
      });
    }),
  );
  return [draft.close(2 * images * groups * filters * pixels * depth)];
}
