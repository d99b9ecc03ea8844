/** The line at the bottom of the terminal while a net is trained. */

import cliProgress from "cli-progress";
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

/** Draws on stderr, which must be a terminal. */
export function createProgressLine(io: Io): ProgressLine {
  const unicode = hasUnicode(io.env);
  const bars = new cliProgress.MultiBar({
    stream: io.stderr as NodeJS.WritableStream,
    // Whatever ends the process, the terminal is left as it was found: nothing is hidden or switched off.
    hideCursor: false,
    linewrap: true,
    gracefulExit: false,
    format: (_options, params: { readonly maxWidth: number }, payload: Partial<ProgressState>) =>
      drawProgress({ done: 0, total: 0, ...payload }, params.maxWidth, unicode),
  } as cliProgress.Options);
  let bar: cliProgress.SingleBar | undefined;
  return {
    show(state) {
      bar ??= bars.create(state.total, state.done, state);
      bar.update(state.done, { doing: undefined, ...state });
    },
    log(lines) {
      if (lines.length === 0) return;
      if (bar) bars.log(lines.map((line) => `${line}\x1b[K\n`).join(""));
      else for (const line of lines) io.stderr.write(`${line}\n`);
    },
    close() {
      if (!bar) return;
      bars.update();
      bars.stop();
      bar = undefined;
    },
  };
}
