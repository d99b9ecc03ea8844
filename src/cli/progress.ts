/** The line at the bottom of the terminal while a net is trained. */

import { grouped, showDuration } from "../../proto/words/amounts.js";
import { shortNumber } from "../tools.js";
import { hasUnicode, type Io } from "./io.js";

export interface ProgressState {
  /** Updates made, and to be made. */
  readonly done: number;
  readonly total: number;
  readonly loss?: number;
  readonly rate?: number;
  readonly imagesPerSecond?: number;
  readonly secondsLeft?: number;
  /** In place of the figures: "testing", "stopping". */
  readonly doing?: string;
}

/** Too narrow a bar says nothing. */
const NARROWEST = 8;
const WIDEST = 32;
/** So many of the figures are worth more than the bar. */
const BEFORE_BAR = 2;

/** The line, less than `columns` wide: what does not fit is left out, the last figures first, then the bar. */
export function drawProgress(state: ProgressState, columns: number, unicode: boolean): string {
  const { done, total, loss, rate, imagesPerSecond, secondsLeft, doing } = state;
  const part = total > 0 ? Math.min(1, done / total) : 0;
  const parts = [
    `${String(Math.floor(100 * part)).padStart(3)}%`,
    `${String(done).padStart(String(total).length)}/${total}`,
  ];
  const figures = [
    doing ?? (loss === undefined ? "" : `loss ${shortLoss(loss)}`),
    secondsLeft === undefined ? "" : `${showDuration(secondsLeft)} left`,
    imagesPerSecond === undefined ? "" : `${grouped(imagesPerSecond)} images/s`,
    rate === undefined ? "" : `lr ${shortNumber(Number(rate.toPrecision(4)))}`,
  ];
  const width = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length + 2, -2);
  const shown: string[] = [];
  for (const [i, text] of figures.entries()) {
    const needed = width([...parts, ...shown, text]) + (i < BEFORE_BAR ? 0 : NARROWEST + 2);
    if (text !== "" && needed < columns) shown.push(text);
  }
  const room = Math.min(WIDEST, columns - 3 - width([...parts, ...shown]));
  const bar = room >= NARROWEST ? [drawBar(part, room, unicode)] : [];
  return [parts[0], ...bar, parts[1], ...shown].join("  ").slice(0, Math.max(1, columns - 1));
}

const shortLoss = (loss: number): string =>
  Number.isFinite(loss) && loss >= 1e-4 && loss < 1e4 ? loss.toFixed(4) : shortNumber(loss);

function drawBar(part: number, width: number, unicode: boolean): string {
  if (!unicode) return `[${"=".repeat(Math.floor(part * (width - 2))).padEnd(width - 2, ".")}]`;
  const eighths = Math.floor(part * width * 8);
  const full = Math.floor(eighths / 8);
  const partial = eighths % 8 === 0 ? "" : "▏▎▍▌▋▊▉"[(eighths % 8) - 1];
  return ("█".repeat(full) + partial).padEnd(width, "░");
}

export interface ProgressLine {
  show(state: ProgressState): void;
  /** Writes lines above. */
  log(lines: readonly string[]): void;
  close(): void;
}

/** So often it is drawn at most. */
const MILLISECONDS = 100;
/** From the cursor to the end of the line, and of the screen. */
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/**
 * Draws on stderr, which must be a terminal. The cursor waits at the beginning of the line: whatever a terminal makes of a
 * line that has become too long when it is made narrower, all of it is behind the cursor, and is cleared.
 */
export function createProgressLine(io: Io, now: () => number = () => performance.now()): ProgressLine {
  const unicode = hasUnicode(io.env);
  let state: ProgressState | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    if (!state) return;
    drawnAt = now();
    io.stderr.write(`\r${CLEAR_BELOW}${drawProgress(state, io.stderr.columns ?? 80, unicode)}\r`);
  };
  const release = io.stderr.onResize?.(draw);
  return {
    show(given) {
      const isNew = state === undefined || state.doing !== given.doing;
      state = given;
      if (isNew || now() - drawnAt >= MILLISECONDS) draw();
    },
    log(lines) {
      if (lines.length === 0) return;
      io.stderr.write(`${state ? CLEAR_BELOW : ""}${lines.map((line) => `${line}${CLEAR_LINE}\n`).join("")}`);
      draw();
    },
    close() {
      release?.();
      draw();
      if (state) io.stderr.write("\n");
      state = undefined;
    },
  };
}
