import { logged } from "../../proto/words/names.js";
/** What a solver tells while it runs, and the lines in which Caffe says the same. */

/** One element of an output blob, numbered over all elements of all outputs as Caffe numbers them. */
export interface OutputValue {
  readonly blob: string;
  readonly index: number;
  readonly value: number;
  /** 0 for an output that is not a loss. */
  readonly lossWeight: number;
}

/** What one test net said: means over its batches. */
export interface TestResult {
  /** Number of updates before the test. */
  readonly iteration: number;
  /** Which test net, from 0. */
  readonly net: number;
  /** Mean weighted loss. */
  readonly loss: number;
  readonly outputs: readonly OutputValue[];
}

/** The bytes of a snapshot's files. */
export interface SnapshotContent {
  /** The weights: a `.caffemodel`. */
  readonly model: Uint8Array;
  /** Iteration and history: a `.solverstate`. */
  readonly state: Uint8Array;
}

export interface SnapshotFiles {
  readonly iteration: number;
  /** The path of the weights. */
  readonly model: string;
  /** The path of iteration and history. */
  readonly state: string;
  /** In a browser, where no file is written: what would stand in them. */
  readonly content?: SnapshotContent;
}

/** After every update. */
export interface Progress {
  /** Of the update, from 0: the number that Caffe prints. */
  readonly iteration: number;
  readonly maxIteration: number;
  /** Mean weighted loss of the iteration's batches, before the update. */
  readonly loss: number;
  /** Mean of the last `average_loss` losses. */
  readonly smoothedLoss: number;
  readonly rate: number;
  /** Of training alone, over the last iterations. */
  readonly imagesPerSecond: number;
}

export type SolverEvent =
  | {
      readonly kind: "start";
      readonly net: string;
      readonly policy: string;
      readonly iteration: number;
      readonly maxIteration: number;
    }
  | { readonly kind: "restore"; readonly file: string | undefined; readonly iteration: number }
  /** Weights were loaded: which layers matched, for people. */
  | { readonly kind: "weights"; readonly file: string | undefined; readonly report: string }
  | ({ readonly kind: "progress" } & Progress)
  /** Every `display` iterations. */
  | {
      readonly kind: "display";
      readonly iteration: number;
      /** Smoothed. */
      readonly loss: number;
      readonly rate: number;
      readonly iterationsPerSecond: number;
      /** Since the last display. */
      readonly seconds: number;
      readonly every: number;
      readonly outputs: readonly OutputValue[];
    }
  /** A multistep policy went down. */
  | { readonly kind: "rateStep"; readonly iteration: number; readonly step: number }
  | { readonly kind: "testing"; readonly iteration: number; readonly net: number }
  | ({ readonly kind: "test" /** test_compute_loss */; readonly showLoss: boolean } & TestResult)
  | { readonly kind: "testInterrupted"; readonly iteration: number; readonly net: number }
  | ({ readonly kind: "snapshot" } & SnapshotFiles)
  /** The loss after the last update. */
  | { readonly kind: "finalLoss"; readonly iteration: number; readonly loss: number }
  /** debug_info: blobs, diffs, parameters and updates by their mean absolute values. */
  | { readonly kind: "debug"; readonly iteration: number; readonly lines: readonly string[] }
  | { readonly kind: "warning"; readonly iteration: number; readonly message: string }
  | { readonly kind: "done"; readonly iteration: number; readonly stopped: boolean };

/** The lines that Caffe's log has for an event, without their time stamps; none for what Caffe does not say. */
export function formatEvent(event: SolverEvent): readonly string[] {
  switch (event.kind) {
    case "start":
      return [`Solving ${logged(event.net)}`, `Learning Rate Policy: ${event.policy}`];
    case "restore":
      return [`Restoring previous solver status from ${logged(event.file ?? "a given state")}`];
    case "weights":
      return [
        `Finetuning from ${logged(event.file ?? "given weights")}`,
        ...event.report.split("\n").filter(Boolean),
      ];
    case "progress":
      return [];
    case "display":
      return [
        `Iteration ${event.iteration} (${shortNumber(event.iterationsPerSecond)} iter/s, ` +
          `${shortNumber(event.seconds)}s/${event.every} iters), loss = ${shortNumber(event.loss)}`,
        ...event.outputs.map((output) => formatOutput("Train", output)),
        `Iteration ${event.iteration}, lr = ${shortNumber(event.rate)}`,
      ];
    case "rateStep":
      return [`MultiStep Status: Iteration ${event.iteration}, step = ${event.step}`];
    case "testing":
      return [`Iteration ${event.iteration}, Testing net (#${event.net})`];
    case "test":
      return [
        ...(event.showLoss ? [`Test loss: ${shortNumber(event.loss)}`] : []),
        ...event.outputs.map((output) => formatOutput("Test", output)),
      ];
    case "testInterrupted":
      return ["Test interrupted."];
    case "snapshot":
      return [
        `Snapshotting to ${logged(event.model)}`,
        `Snapshotting solver state to ${logged(event.state)}`,
      ];
    case "finalLoss":
      return [`Iteration ${event.iteration}, loss = ${shortNumber(event.loss)}`];
    case "debug":
      return event.lines;
    case "warning":
      return [`Warning: iteration ${event.iteration}: ${event.message}`];
    case "done":
      return [event.stopped ? "Optimization stopped early." : "Optimization Done."];
    default:
      return event satisfies never;
  }
}

function formatOutput(net: "Train" | "Test", { blob, index, value, lossWeight }: OutputValue): string {
  const loss =
    lossWeight === 0 ? "" : ` (* ${shortNumber(lossWeight)} = ${shortNumber(lossWeight * value)} loss)`;
  return `    ${net} net output #${index}: ${logged(blob)} = ${shortNumber(value)}${loss}`;
}

/** A number as C++ streams write it: six significant digits, the exponent form outside 1e-5 … 1e6. */
export function shortNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [digits, exponent] = value.toExponential(5).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return withoutZeros(value.toFixed(5 - power));
  return `${withoutZeros(digits)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

const withoutZeros = (digits: string): string =>
  digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
