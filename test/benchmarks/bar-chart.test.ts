import { expect, it } from "vitest";
import { type Bar, drawChart } from "../../benchmarks/peers/bar-chart.js";

const bar = (label: string, value: number | undefined): Bar => ({
  label,
  value,
  text: `${value}`,
  color: "#123456",
});
const draw = (bars: readonly Bar[], count = 1): string =>
  drawChart({
    title: "a < b",
    subtitle: '"c" & d',
    columns: 2,
    panels: Array.from({ length: count }, (_, i) => ({ title: `panel ${i}`, bars })),
  });
const widths = (svg: string): readonly number[] =>
  [...svg.matchAll(/width="([\d.]+)" height="\d+" fill="#123456"/g)].map(([, width]) => Number(width));

it("bars are as long as their values", () => {
  const [short, long] = widths(draw([bar("a", 10), bar("b", 40)]));
  expect(long / short).toBeCloseTo(4);
});

it("a bar far longer than the others is cut, and marked", () => {
  const svg = draw([bar("a", 1), bar("b", 1000)]);
  const [short, long] = widths(svg);
  expect(long / short).toBeCloseTo(8, 1);
  expect(svg.match(/<path /g)).toHaveLength(1);
  expect(draw([bar("a", 1), bar("b", 7)])).not.toContain("<path");
});

it("what has no value has words and no bar", () => {
  const svg = draw([bar("a", 1), { ...bar("b", undefined), text: "failed" }]);
  expect(widths(svg)).toHaveLength(1);
  expect(svg).toContain(">failed</text>");
});

it("text is escaped", () => {
  const svg = draw([bar("<script>", 1)]);
  for (const part of ["a &lt; b", "&quot;c&quot; &amp; d", "&lt;script&gt;"]) expect(svg).toContain(part);
});

it("panels stand in rows, and all lie within the picture", () => {
  const svg = draw([bar("a", 1)], 3);
  const [, width, height] = svg.match(/viewBox="0 0 (\d+) (\d+)"/) ?? [];
  const places = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)" font-weight="bold">panel/g)].map(
    ([, x, y]) => [Number(x), Number(y)],
  );
  expect(places).toHaveLength(3);
  expect(places[0][1]).toBe(places[1][1]);
  expect(places[2][1]).toBeGreaterThan(places[0][1]);
  expect(places[2][0]).toBe(places[0][0]);
  for (const [x, y] of places) {
    expect(x).toBeLessThan(Number(width));
    expect(y).toBeLessThan(Number(height));
  }
});
