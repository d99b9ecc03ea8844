import { type Shape, sameShape, sizeOf, type WindowAxis } from "../graph.js";
import { WINDOW } from "./attributes.js";
import type { Primitive } from "./primitive.js";
import { expect, show } from "./shape-rules.js";

type Window = readonly WindowAxis[];
interface Windowed {
  readonly window: Window;
}

declare module "../graph.js" {
  interface Primitives {
    /**
     * Greatest in each clipped window, none of which is empty, and of −FLT_MAX; the first in row-major order on a tie.
     * NaN is passed over. Where nothing is greater than −FLT_MAX, the position is the window's first.
     */
    readonly windowMax: Signature<Windowed, (x: Node, window: Window) => Node>;
    /** Its position: row-major over the windowed axes of the plain side. */
    readonly windowArgmax: Signature<Windowed, (x: Node, window: Window) => Node>;
    /** (y, position) → x: adjoint of picking `position` in each window. */
    readonly windowScatter: Signature<Windowed, (y: Node, position: Node, window: Window) => Node>;
    /** (x, position) → y: the element at `position` of each window's plane; `windowScatter`'s adjoint. */
    readonly windowPick: Signature<Windowed, (x: Node, position: Node, window: Window) => Node>;
    /** Sum of each clipped window. */
    readonly windowSum: Signature<Windowed, (x: Node, window: Window) => Node>;
    /** y → x: adjoint of `windowSum`: the sum over the windows that cover an element. */
    readonly windowSpread: Signature<Windowed, (y: Node, window: Window) => Node>;
  }
}

/** The shape of the other side: from the plain side (`extent`) that of windows, and the other way round. */
function otherSide(shape: Shape, window: Window, from: "windows" | "extent"): Shape {
  expect(
    window.every((w) => shape[w.axis] === w[from]) &&
      new Set(window.map((w) => w.axis)).size === window.length,
    () => `window over ${show(shape)} does not fit: ${JSON.stringify(window)}`,
  );
  const to = from === "windows" ? "extent" : "windows";
  return shape.map((extent, axis) => window.find((w) => w.axis === axis)?.[to] ?? extent);
}

const covers = (window: Window): number => window.reduce((product, axis) => product * axis.size, 1);

/** How many windows cover an element, at most. */
const covering = (window: Window): number =>
  window.reduce((product, axis) => product * Math.ceil(axis.size / axis.stride), 1);

/** What is computed of each window of one operand. */
const ofWindows = {
  attributes: { window: WINDOW },
  operands: ["real"],
  flops: ({ shape, window }: { readonly shape: Shape } & Windowed) => sizeOf(shape) * covers(window),
  kind: "loops",
  expressions: "all",
  reads: ({ shape, window }: { readonly shape: Shape } & Windowed) => sizeOf(shape) * covers(window),
} as const;

/** What is computed of values and the positions that go with them. */
const ofPositions = {
  attributes: { window: WINDOW },
  operands: ["real", "index"],
  kind: "loops",
  expressions: "first",
  epilogue: true,
} as const;

/** No builder's caller makes an empty window, and it would have no greatest element. */
function emptyWindow({ window }: Windowed): string | undefined {
  const empty = window.find((w) => {
    const last = (w.windows - 1) * w.stride - w.pad;
    return w.windows > 0 && (w.size <= w.pad || last >= w.extent);
  });
  return empty && `a window along axis ${empty.axis} covers nothing`;
}

const windowMax: Primitive<"windowMax"> = {
  ...ofWindows,
  infer: ({ inputs: [x], window }) => ({ shape: otherSide(x.shape, window, "extent") }),
  fault: emptyWindow,
  vjp: (b, { inputs: [x], window }) => [(g) => b.windowScatter(g, b.windowArgmax(x, window), window)],
  epilogue: true,
};

const windowArgmax: Primitive<"windowArgmax"> = {
  ...ofWindows,
  infer: ({ inputs: [x], window }) => ({ shape: otherSide(x.shape, window, "extent"), dtype: "index" }),
  fault: emptyWindow,
};

const windowScatter: Primitive<"windowScatter"> = {
  ...ofPositions,
  infer({ inputs: [y, position], window }) {
    const shape = otherSide(y.shape, window, "windows");
    expect(sameShape(y.shape, position.shape), () => "windowScatter: values and positions differ in shape");
    return { shape };
  },
  vjp: (b, { inputs: [, position], window }) => [(g) => b.windowPick(g, position, window), undefined],
  flops: ({ inputs: [y] }) => sizeOf(y.shape),
  reads: ({ shape, window }) => sizeOf(shape) * covering(window),
};

const windowPick: Primitive<"windowPick"> = {
  ...ofPositions,
  infer({ inputs: [x, position], window }) {
    const shape = otherSide(x.shape, window, "extent");
    expect(sameShape(shape, position.shape), () => "windowPick: positions have another shape");
    return { shape };
  },
  vjp: (b, { inputs: [, position], window }) => [(g) => b.windowScatter(g, position, window), undefined],
};

const windowSum: Primitive<"windowSum"> = {
  ...ofWindows,
  infer: ({ inputs: [x], window }) => ({ shape: otherSide(x.shape, window, "extent") }),
  vjp: (b, { window }) => [(g) => b.windowSpread(g, window)],
  epilogue: true,
};

const windowSpread: Primitive<"windowSpread"> = {
  ...ofWindows,
  infer: ({ inputs: [y], window }) => ({ shape: otherSide(y.shape, window, "windows") }),
  vjp: (b, { window }) => [(g) => b.windowSum(g, window)],
  flops: ({ inputs: [y], window }) => sizeOf(y.shape) * covers(window),
  epilogue: true,
  reads: ({ shape, window }) => sizeOf(shape) * covering(window),
};

export const windows = { windowMax, windowArgmax, windowScatter, windowPick, windowSum, windowSpread };
