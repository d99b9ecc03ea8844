import type { Window } from "./window-list.js";

/** Where a window is cut from its image, and where it goes in the crop. */
export interface Placement {
  /** In the image. */
  readonly left: number;
  readonly top: number;
  readonly columns: number;
  readonly rows: number;
  /** What it is warped to. */
  readonly width: number;
  readonly height: number;
  /** Pixels of the crop that show what lies outside of the image. */
  readonly padLeft: number;
  readonly padRight: number;
  readonly padTop: number;
}

/** One axis of a placement. */
interface Stretch {
  readonly start: number;
  readonly count: number;
  readonly size: number;
  readonly before: number;
  readonly after: number;
}

/**
 * The geometry of Caffe's WindowData layer. Without context and in mode `warp` the window fills the crop. Otherwise it
 * grows around its centre by crop / (crop − 2·context_pad), is cut at the image's borders, and is warped to as much of
 * the crop as it then covers.
 *
 * @returns in words, why a window cannot be cut out
 */
export function placeWindow(
  { left, top, right, bottom }: Window,
  image: { readonly height: number; readonly width: number },
  spec: {
    readonly contextPad: number;
    readonly cropMode: "warp" | "square";
    readonly transform: { readonly cropSize: number };
  },
): Placement | string {
  const { contextPad, cropMode } = spec;
  const crop = spec.transform.cropSize;
  const corners = `the window (${left}, ${top}) to (${right}, ${bottom})`;
  const extents = `the image, which is ${image.height} × ${image.width} (height × width)`;
  if (right < left || bottom < top) return `${corners} is empty`;
  let x: Stretch | undefined;
  let y: Stretch | undefined;
  if (contextPad === 0 && cropMode === "warp") {
    x = whole(left, right, image.width, crop);
    y = whole(top, bottom, image.height, crop);
  } else {
    const grow = Math.fround(crop / (crop - 2 * contextPad));
    const halfWidth = (right - left + 1) / 2;
    const halfHeight = (bottom - top + 1) / 2;
    const square = cropMode === "square" ? Math.max(halfWidth, halfHeight) : undefined;
    x = clipped(left + halfWidth, Math.fround((square ?? halfWidth) * grow), image.width, crop);
    y = clipped(top + halfHeight, Math.fround((square ?? halfHeight) * grow), image.height, crop);
  }
  if (!x || !y) return `${corners} does not lie in ${extents}`;
  if (x.size < 1 || y.size < 1) return `of ${corners} too little lies in ${extents}`;
  return {
    left: x.start,
    columns: x.count,
    width: x.size,
    padLeft: x.before,
    padRight: x.after,
    top: y.start,
    rows: y.count,
    height: y.size,
    padTop: y.before,
  };
}

/** A window as it is; undefined where it is not inside the image. */
function whole(first: number, last: number, extent: number, crop: number): Stretch | undefined {
  if (first < 0 || last >= extent) return undefined;
  return { start: first, count: last - first + 1, size: crop, before: 0, after: 0 };
}

/** A window of this centre and half its size, cut at the borders; undefined where nothing is left. */
function clipped(center: number, half: number, extent: number, crop: number): Stretch | undefined {
  const first = roundAway(Math.fround(center - half));
  const last = roundAway(Math.fround(center + half));
  const scale = Math.fround(crop / (last - first + 1));
  const outsideBefore = Math.max(0, -first);
  const outsideAfter = Math.max(0, last - extent + 1);
  const start = first + outsideBefore;
  const count = last - outsideAfter - start + 1;
  if (count < 1) return undefined;
  const inCrop = (pixels: number): number => roundAway(Math.fround(pixels * scale));
  return {
    start,
    count,
    size: inCrop(count),
    before: inCrop(outsideBefore),
    after: inCrop(outsideAfter),
  };
}

/** C's round: halves away from zero. */
const roundAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
