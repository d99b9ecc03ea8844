/** A point of a glyph: x to the right, y down, both within about 0 … 1. */
export type Point = readonly [x: number, y: number];
/** A pen stroke: the curve runs smoothly through its points; a point given twice is a corner. */
export type Stroke = readonly Point[];
/** One way to write a digit. */
export type Glyph = readonly Stroke[];

/** Points on an ellipse; angles in degrees, 0 to the right, 90 down. */
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Point[] {
  const steps = Math.max(3, Math.ceil(Math.abs(to - from) / 40));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / steps) * Math.PI) / 180;
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)] as const;
  });
}

/**
 * The ways people write each digit, from memory of handwriting; the index is the digit. Strokes are parted by `|`. A
 * point is x,y in hundredths; six numbers are an arc: centre and radii in hundredths, then from and to in degrees.
 */
const WRITTEN: readonly (readonly string[])[] = [
  ["50,50,34,48,-100,262", "50,50,26,48,-70,292", "50,50,40,44,-120,225", "62,6 48,52,32,46,-110,-420"],
  [
    "50,2 50,50 50,98",
    "54,2 50,50 46,98",
    "34,20 52,3 52,3 52,50 51,98",
    "36,22 53,3 53,3 52,50 52,96 | 30,97 52,96 74,97",
  ],
  [
    "18,26 48,28,30,26,-150,20 56,66 16,96 16,96 50,95 86,96",
    "20,20 46,3 76,20 62,56 30,86 14,90 20,74 42,82 86,95",
    "22,16 50,3 76,16 72,42 20,95 20,95 84,88",
    "16,34 30,6 62,5 74,30 52,66 20,92 20,92 44,84 66,96 88,84",
  ],
  [
    "20,14 46,26,28,23,-120,90 46,49 46,73,33,25,-90,140",
    "20,5 50,5 78,5 78,5 46,42 46,42 46,69,32,27,-70,150",
    "24,10 56,3 74,22 56,43 38,47 38,47 66,54 76,74 56,95 20,90",
    "22,20 48,3 70,20 44,45 36,50 50,50 74,70 50,97 18,82",
  ],
  [
    "26,4 22,30 18,56 18,56 50,56 86,54 | 70,4 68,50 66,98",
    "62,3 36,36 10,64 10,64 50,64 90,63 | 64,3 64,50 64,98",
    "24,8 18,40 30,52 56,48 72,34 76,6 76,6 70,50 66,98",
    "20,6 16,34 26,50 54,50 84,46 | 76,16 68,50 58,98",
  ],
  [
    "28,6 26,24 24,44 24,44 46,69,34,27,-110,140 | 28,6 54,6 82,5",
    "82,5 54,6 28,6 28,6 24,44 24,44 46,70,32,26,-105,150",
    "86,4 50,8 36,12 30,40 46,48 66,62 60,88 30,97 12,90",
    "32,10 26,40 26,40 50,36 74,56 62,90 20,92 | 34,10 60,6 88,8",
  ],
  [
    "62,2 40,20 24,50 48,72,25,24,170,-190",
    "70,6 44,10 24,44 22,76 46,97 72,78 58,54 30,62 24,74",
    "42,2 28,34 24,70 42,96 70,86 70,62 48,54 26,72",
    "78,2 46,30 28,66 36,94 60,92 68,70 50,60 30,72",
  ],
  [
    "14,8 48,7 84,6 84,6 60,48 44,98",
    "16,16 22,7 50,8 80,8 80,8 62,40 50,98",
    "14,8 50,7 82,6 82,6 58,50 38,98 | 34,52 56,50 80,50",
    "18,30 20,10 20,10 50,12 84,4 84,4 70,30 56,62 52,98",
  ],
  [
    "72,14 48,2 26,18 42,42 66,60 70,84 46,98 24,82 36,56 64,36 74,14",
    "50,25,24,22,90,450 | 50,72,29,25,-90,270",
    "78,6 50,4 26,14 36,36 64,58 66,88 40,97 30,78 50,50 80,8",
    "50,47 28,30 36,6 62,5 72,28 50,47 24,68 36,95 64,95 76,70 50,47",
  ],
  [
    "46,28,26,25,-10,-350 72,30 70,60 64,98",
    "72,14 50,3 26,22 34,46 60,42 74,14 74,14 72,60 70,98",
    "74,24 52,4 24,20 30,46 58,46 74,22 74,56 62,88 28,95",
    "70,10 40,8 24,32 42,50 66,34 72,10 68,44 50,98",
  ],
];

function partOf(written: string): readonly Point[] {
  const [x, y, ...rest] = written.split(",").map(Number);
  if (rest.length === 0) return [[x / 100, y / 100]];
  const [rx, ry, from, to] = rest;
  return arc(x / 100, y / 100, rx / 100, ry / 100, from, to);
}

export const GLYPHS: readonly (readonly Glyph[])[] = WRITTEN.map((ways) =>
  ways.map((way) => way.split(" | ").map((stroke) => stroke.split(" ").flatMap(partOf))),
);
