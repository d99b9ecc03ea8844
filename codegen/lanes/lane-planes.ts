import { type NodeOf, sizeOf } from "../ir/graph.js";
import { ZERO } from "../kernel/indices.js";
import type { Index } from "../kernel/kernel.js";
import { load, plus, ZERO_VALUE } from "../kernel/writer.js";
import { byAxis, positionOf } from "../lower/lower-window.js";
import { joinAxes, loopOver, place } from "../lower/nest.js";
import type { LoweredKernel, StepContext } from "../lower/step.js";
import { lanesFor, parallelStart, widestVector } from "./lane-nest.js";
import { overVectors } from "./over-vectors.js";
import { overSeen, seenBy } from "./window-elements.js";

/**
 * Clears a plane (the windowed axes of one element of the others) in lanes, adds the windows' values one after the other,
 * at their positions or all over, then stores the plane in lanes. A position may lie anywhere in the plane.
 */
export function addPlanes(
  context: StepContext,
  anchor: NodeOf<"windowScatter" | "windowSpread">,
): LoweredKernel {
  const { shape } = anchor;
  const [y] = anchor.inputs;
  const window = byAxis(anchor.window);
  const extents = window.map((w) => w.extent);
  const elements = sizeOf(extents);
  const windowed = (axis: number): boolean => window.some((w) => w.axis === axis);
  const groups = joinAxes(
    context,
    shape,
    (a, b) => windowed(a) === windowed(b),
    ({ writer, evaluate, storeAt }, at) => {
      // What windows say is read at the coordinates outside of planes, too: a view of it may move through them otherwise.
      const windowAt = at.map((c, axis) => {
        const own = window.find((w) => w.axis === axis);
        return own ? writer.free(own.windows) : c;
      });
      const where = anchor.op === "windowScatter" ? evaluate.indexAt(anchor.inputs[1], windowAt) : ZERO;
      writer.store(writer.shared("accumulator", elements), where, evaluate.valueAt(y, windowAt));
      storeAt(at, { type: "real", value: ZERO_VALUE });
    },
  );
  const outer = groups.filter(({ axes }) => !windowed(axes[0]));
  const planes = groups.filter(({ axes }) => windowed(axes[0]));
  const lanes = lanesFor(Math.max(...planes.map(({ extent }) => extent), 1), widestVector(context));
  const draft = context.open();
  const { writer, evaluate } = draft;
  const plane = writer.shared("accumulator", elements);
  const start = parallelStart(writer, outer, shape.length);
  const lane = writer.team(lanes);
  overVectors(writer, elements, lanes, lane, (i) => writer.store(plane, i, ZERO_VALUE));
  loopOver(
    writer,
    window.map((w) => ({ axes: [w.axis], extent: w.windows })),
    start,
    (c) => {
      const value = writer.real(evaluate.valueAt(y, c));
      const addTo = (where: Index): void => writer.store(plane, where, plus(load(plane, where), value));
      if (anchor.op === "windowScatter") addTo(writer.integer(evaluate.indexAt(anchor.inputs[1], c)));
      else {
        const axes = window.map((w) => seenBy(writer, w, c, false));
        overSeen(writer, axes, c, (at) => addTo(positionOf(window, at)));
      }
    },
  );
  const last = planes.at(-1);
  loopOver(writer, planes.slice(0, -1), start, (at) => {
    const put = (c: readonly Index[]): void =>
      draft.storeAt(c, { type: "real", value: load(plane, positionOf(window, c)) });
    if (last) overVectors(writer, last.extent, lanes, lane, (i) => put(place(at, last, i)));
    else put(at);
  });
  const size = window.reduce((product, w) => product * w.size, 1);
  return draft.close(sizeOf(y.shape) * (anchor.op === "windowSpread" ? size : 1));
}
