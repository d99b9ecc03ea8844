/** Horizontal bars in panels, as SVG: no library, and nothing that a viewer would have to load. */

export interface Bar {
  readonly label: string;
  /** Undefined: there is none, and the text says why. */
  readonly value: number | undefined;
  /** Behind the bar. */
  readonly text: string;
  readonly color: string;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  /** In rows of so many. */
  readonly columns: number;
  readonly panels: readonly Panel[];
}

/** A bar longer than so many times its panel's shortest is cut, and marked so. */
const LONGEST = 8;

const SIZES = { margin: 20, head: 62, label: 200, bar: 190, text: 78, gap: 28, row: 22, title: 30, foot: 18 };
const PANEL_WIDTH = SIZES.label + SIZES.bar + SIZES.text;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Coordinates to a tenth of a pixel. */
const at = (value: number): string => String(Math.round(value * 10) / 10);

function textAt(x: number, y: number, text: string, attributes = ""): string {
  return `<text x="${at(x)}" y="${at(y)}"${attributes && ` ${attributes}`}>${escaped(text)}</text>`;
}

const heightOf = ({ bars }: Panel): number => SIZES.title + SIZES.row * bars.length + SIZES.foot;

/** @param left of the panel @param top of the panel */
function drawPanel({ title, bars }: Panel, left: number, top: number): readonly string[] {
  const values = bars.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const limit = LONGEST * Math.min(...values);
  const scale = Math.max(...values.map((value) => Math.min(value, limit)));
  const x = left + SIZES.label;
  const lines = [textAt(left, top + 16, title, 'font-weight="bold"')];
  for (const [i, { label, value, text, color }] of bars.entries()) {
    const y = top + SIZES.title + i * SIZES.row;
    const height = SIZES.row - 6;
    lines.push(textAt(x - 8, y + height - 4, label, 'text-anchor="end"'));
    if (value === undefined) {
      lines.push(textAt(x + 4, y + height - 4, text, 'fill="#777777"'));
      continue;
    }
    const width = (SIZES.bar * Math.min(value, limit)) / scale;
    lines.push(`<rect x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${height}" fill="${color}"/>`);
    if (value > limit) {
      const cut = x + width - 22;
      lines.push(
        `<path d="M${at(cut)} ${at(y + height + 2)} l6 ${-(height + 4)} h5 l-6 ${height + 4} z" fill="#ffffff"/>`,
      );
    }
    lines.push(textAt(x + width + 5, y + height - 4, text));
  }
  return lines;
}

/** The chart as the text of an SVG file. */
export function drawChart({ title, subtitle, columns, panels }: Chart): string {
  const lines: string[] = [];
  let top = SIZES.margin + SIZES.head;
  for (let first = 0; first < panels.length; first += columns) {
    const row = panels.slice(first, first + columns);
    for (const [i, panel] of row.entries())
      lines.push(...drawPanel(panel, SIZES.margin + i * (PANEL_WIDTH + SIZES.gap), top));
    top += Math.max(...row.map(heightOf));
  }
  const across = Math.min(columns, panels.length);
  const width = 2 * SIZES.margin + across * PANEL_WIDTH + (across - 1) * SIZES.gap;
  const height = top + SIZES.margin;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222222">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    textAt(SIZES.margin, SIZES.margin + 18, title, 'font-size="18" font-weight="bold"'),
    textAt(SIZES.margin, SIZES.margin + 40, subtitle, 'fill="#777777"'),
    ...lines,
    "</svg>",
  ].join("\n")}\n`;
}
