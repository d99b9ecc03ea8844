import { type RandomStream, randomStream, streamOf } from "../../random/index.js";
import type { RecordCursor } from "../records.js";
import { GLYPHS, type Glyph, type Point } from "./glyphs.js";

/**
 * Synthetic handwritten-like digits, so that a net can be trained with no data at hand: 28 × 28 bytes, light ink
 * on black, sized and centred as MNIST's are. They are drawn by a program, not by people. Record i of a split
 * is a pure function of (split, i).
 */

const SIDE = 28;
const AREA = SIDE * SIDE;
const SEED = 28_000;
const STEPS_PER_SPAN = 5;

export const DIGIT_SPLITS = { train: 10_000, test: 2_000 } as const;
export type DigitSplit = keyof typeof DIGIT_SPLITS;

/** Pixels and labels of a split, drawn when first asked for. */
interface Cache {
  readonly pixels: Uint8Array;
  /** 0: not yet drawn; else the label plus one. */
  readonly labels: Uint8Array;
}
const caches = new Map<DigitSplit, Cache>();

/** The records of a split, in order. */
export function openDigits(split: DigitSplit): RecordCursor {
  const count = DIGIT_SPLITS[split];
  let cache = caches.get(split);
  if (!cache) {
    cache = { pixels: new Uint8Array(count * AREA), labels: new Uint8Array(count) };
    caches.set(split, cache);
  }
  const { pixels, labels } = cache;
  let at = 0;
  return {
    name: `builtin:digits/${split}`,
    count,
    async next() {
      if (at >= count) return undefined;
      const index = at++;
      const data = pixels.subarray(index * AREA, (index + 1) * AREA);
      if (labels[index] === 0) labels[index] = 1 + drawDigit(split, index, data);
      // A copy: the caller may write to it.
      return { channels: 1, height: SIDE, width: SIDE, label: labels[index] - 1, data: data.slice() };
    },
    skip: async () => at++ < count,
    async rewind() {
      at = 0;
    },
    async close() {},
  };
}

/** Draws record `index` of a split into 784 bytes and returns its label. */
export function drawDigit(split: DigitSplit, index: number, out: Uint8Array): number {
  const random = randomStream(SEED + (split === "test" ? 1 : 0), streamOf("digits", index));
  const label = random.integer(10);
  const glyphs = GLYPHS[label];
  const strokes = place(deform(glyphs[random.integer(glyphs.length)], random), random);
  const ink = new Float32Array(AREA);
  const radius = Math.min(1.9, Math.max(0.65, 1.15 + 0.32 * random.gaussian()));
  const softness = 0.9 + 0.5 * random.uniform();
  const swell = 0.35 * random.uniform();
  const phase = 6.3 * random.uniform();
  for (const stroke of strokes) {
    for (let i = 0; i + 1 < stroke.length; i++) {
      const along = i / (stroke.length - 1);
      const pressure = 1 + swell * Math.sin(phase + 5 * along);
      drawSegment(ink, stroke[i], stroke[i + 1], radius * pressure, softness);
    }
  }
  develop(ink, random, out);
  return label;
}

const jitter = (random: RandomStream, spread: number): number => {
  // Cut at two deviations: a digit should stay readable.
  const value = random.gaussian();
  return spread * Math.max(-2, Math.min(2, value));
};

/** Moves the points of a glyph a little, makes curves of them, and bends the whole by slow waves. */
function deform(glyph: Glyph, random: RandomStream): Point[][] {
  const amplitude = 0.045;
  const waves = Array.from({ length: 2 }, () => ({
    fx: 3 + 3 * random.uniform(),
    fy: 3 + 3 * random.uniform(),
    phase: 6.3 * random.uniform(),
    size: jitter(random, amplitude),
  }));
  const bend = ([x, y]: Point): Point => {
    const [first, second] = waves;
    const dx = first.size * Math.sin(first.fx * x + first.fy * y + first.phase);
    const dy = second.size * Math.sin(second.fx * x - second.fy * y + second.phase);
    return [x + dx, y + dy];
  };
  return glyph.map((stroke) => {
    let previous: Point | undefined;
    let moved: Point = [0, 0];
    const points = stroke.map((point) => {
      // Both copies of a corner move together.
      const same = previous !== undefined && previous[0] === point[0] && previous[1] === point[1];
      if (!same) moved = [point[0] + jitter(random, 0.026), point[1] + jitter(random, 0.026)];
      previous = point;
      return moved;
    });
    return smooth(points).map(bend);
  });
}

/** Catmull and Rom's spline through the points; a doubled point stays a corner. */
function smooth(points: readonly Point[]): Point[] {
  const out: Point[] = [];
  for (let i = 0; i + 1 < points.length; i++) {
    const b = points[i];
    const c = points[i + 1];
    if (b[0] === c[0] && b[1] === c[1]) continue;
    const a = points[i - 1] ?? b;
    const d = points[i + 2] ?? c;
    for (let step = 0; step < STEPS_PER_SPAN; step++) {
      const t = step / STEPS_PER_SPAN;
      out.push([spline(a[0], b[0], c[0], d[0], t), spline(a[1], b[1], c[1], d[1], t)]);
    }
  }
  out.push(points[points.length - 1]);
  return out;
}

function spline(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/** Slants, turns and stretches the strokes, fits them into about 20 × 20 pixels and centres their mass. */
function place(strokes: readonly (readonly Point[])[], random: RandomStream): Point[][] {
  const angle = jitter(random, 0.13);
  const slant = -0.12 + jitter(random, 0.22);
  const aspect = 0.82 * Math.exp(jitter(random, 0.14));
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const turned = strokes.map((stroke) =>
    stroke.map(([px, py]): Point => {
      const y = py - 0.5;
      const x = (px - 0.5) * aspect + slant * y;
      return [cos * x - sin * y, sin * x + cos * y];
    }),
  );
  const all = turned.flat();
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  let [sumX, sumY] = [0, 0];
  for (const [x, y] of all) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
    sumX += x;
    sumY += y;
  }
  const extent = 17.2 * Math.exp(jitter(random, 0.06));
  const scale = extent / Math.max(right - left, bottom - top);
  const shiftX = SIDE / 2 - 0.5 - (scale * sumX) / all.length + jitter(random, 0.7);
  const shiftY = SIDE / 2 - 0.5 - (scale * sumY) / all.length + jitter(random, 0.7);
  return turned.map((stroke) => stroke.map(([x, y]): Point => [scale * x + shiftX, scale * y + shiftY]));
}

/** Inks every pixel by its distance to a segment; where strokes meet, the heavier ink stays. */
function drawSegment(ink: Float32Array, a: Point, b: Point, radius: number, softness: number): void {
  const reach = radius + softness;
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length2 = dx * dx + dy * dy || 1e-9;
  const left = Math.max(0, Math.ceil(Math.min(a[0], b[0]) - reach));
  const right = Math.min(SIDE - 1, Math.floor(Math.max(a[0], b[0]) + reach));
  const top = Math.max(0, Math.ceil(Math.min(a[1], b[1]) - reach));
  const bottom = Math.min(SIDE - 1, Math.floor(Math.max(a[1], b[1]) + reach));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [px, py] = [x - a[0], y - a[1]];
      const t = Math.max(0, Math.min(1, (px * dx + py * dy) / length2));
      const [ox, oy] = [px - t * dx, py - t * dy];
      const depth = (reach - Math.sqrt(ox * ox + oy * oy)) / (2 * softness);
      if (depth <= 0) continue;
      const edge = depth >= 1 ? 1 : depth * depth * (3 - 2 * depth);
      const at = y * SIDE + x;
      if (edge > ink[at]) ink[at] = edge;
    }
  }
}

/** Ink to bytes: uneven along slow waves, a little grain, saturated in the middle of a stroke. */
function develop(ink: Float32Array, random: RandomStream, out: Uint8Array): void {
  const strength = 235 + 60 * random.uniform();
  const uneven = 0.15 * random.uniform();
  const [fx, fy, phase] = [
    0.2 + 0.3 * random.uniform(),
    0.2 + 0.3 * random.uniform(),
    6.3 * random.uniform(),
  ];
  const grain = 0.05 * random.uniform();
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const at = y * SIDE + x;
      const value = ink[at];
      if (value === 0) {
        out[at] = 0;
        continue;
      }
      const texture = 1 - uneven * (1 + Math.sin(fx * x + fy * y + phase)) + grain * (random.uniform() - 0.5);
      out[at] = Math.max(0, Math.min(255, Math.round(value * strength * texture)));
    }
  }
}
