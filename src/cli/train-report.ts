/** What `cortado train` shows: a progress line on a terminal, Caffe's log elsewhere, or JSON for machines. */

import { type Diagnostic, formatDiagnostics, lineAndColumn } from "../../proto/errors/index.js";
import { showCount, showDuration } from "../../proto/words/amounts.js";
import { unquoted, visibleLines } from "../../proto/words/names.js";
import {
  formatEvent,
  type OutputValue,
  type SolverEvent,
  type SolverOutcome,
  shortNumber,
} from "../tools.js";
import { paintDiagnostics } from "./faults.js";
import { type Io, type Paint, painter, type Signal } from "./io.js";
import { createProgressLine } from "./progress.js";
import { json, shownPath } from "./text.js";

/** How a training ended. */
export interface Result {
  readonly outcome: SolverOutcome;
  readonly net: string;
  readonly target: string;
  readonly seconds: number;
}

export interface TrainReport {
  event(event: SolverEvent): void;
  /** Warnings of a text. */
  warnings(warnings: readonly Diagnostic[]): void;
  /** The first signal that ends the training. */
  stopping(signal: Signal): void;
  result(result: Result): void;
  close(): void;
}

/** One JSON object a line. */
export function createJsonReport(io: Io): TrainReport {
  const say = (value: object): void => void io.stdout.write(`${json(value)}\n`);
  return {
    event: say,
    warnings: (warnings) => {
      for (const { message, span } of warnings)
        say({
          kind: "warning",
          iteration: 0,
          message,
          ...(span && { file: span.source.name, ...lineAndColumn(span.source, span.start) }),
        });
    },
    stopping: (signal) => say({ kind: "stopping", signal }),
    result: ({ outcome, net, target, seconds }) => say({ kind: "result", net, target, seconds, ...outcome }),
    close() {},
  };
}

/** For people. On a terminal the log is shorter: what the progress line shows is not written too. */
export function createTextReport(io: Io, now: () => number = () => performance.now() / 1000): TrainReport {
  // What is written to a pipe may be shown on the same terminal: `cortado train … | tee log`.
  const line = io.stderr.isTTY && (io.stdout.isTTY || io.stdout.isFile) ? createProgressLine(io) : undefined;
  const paint = painter(io.stdout, io.env);
  const brief = line !== undefined && io.stdout.isTTY === true;
  let start: { readonly seconds: number; readonly iteration: number } | undefined;
  let last: Parameters<NonNullable<typeof line>["show"]>[0] | undefined;

  const write = (lines: readonly string[]): void => {
    if (brief) line?.log(lines);
    else for (const text of lines) io.stdout.write(`${text}\n`);
  };
  const complain = (text: string): void => {
    const lines = paintDiagnostics(visibleLines(text), painter(io.stderr, io.env)).split("\n");
    if (line) line.log(lines);
    else for (const each of lines) io.stderr.write(`${each}\n`);
  };

  return {
    event(event) {
      switch (event.kind) {
        case "start":
          start = { seconds: now(), iteration: event.iteration };
          last = { done: event.iteration, total: event.maxIteration };
          if (event.iteration < event.maxIteration) line?.show(last);
          break;
        case "progress": {
          const done = event.iteration + 1;
          const made = done - (start?.iteration ?? 0);
          const each = (now() - (start?.seconds ?? now())) / Math.max(1, made);
          last = {
            done,
            total: event.maxIteration,
            loss: event.smoothedLoss,
            rate: event.rate,
            imagesPerSecond: event.imagesPerSecond,
            secondsLeft: each * (event.maxIteration - done),
          };
          line?.show(last);
          return;
        }
        case "testing":
          if (last) line?.show({ ...last, doing: "testing" });
          break;
        case "warning":
          complain(`warning: ${event.iteration > 0 ? `iteration ${event.iteration}: ` : ""}${event.message}`);
          return;
        default:
          break;
      }
      if (brief) write(briefLines(event, io, paint));
      else write(formatEvent(event));
    },
    warnings(warnings) {
      if (warnings.length > 0) complain(formatDiagnostics(warnings));
    },
    stopping(signal) {
      if (last) line?.show({ ...last, doing: "stopping" });
      // Where nobody reads what is written there is nothing to say.
      if (signal === "SIGPIPE") return;
      const [what, hint] = signal === "SIGINT" ? ["Interrupted", "Once more Ctrl-C"] : [signal, "Ctrl-C"];
      complain(`${what}: ending after this iteration, with a snapshot. ${hint} ends at once.`);
    },
    result(result) {
      if (last) line?.show({ ...last, secondsLeft: undefined });
      line?.close();
      for (const text of resultLines(result, io, paint)) io.stdout.write(`${text}\n`);
    },
    close: () => line?.close(),
  };
}

/** The log above a progress line. */
function briefLines(event: SolverEvent, io: Io, paint: Paint): readonly string[] {
  switch (event.kind) {
    case "test":
      return [
        `${paint(`Iteration ${event.iteration}`, "bold")}, test${event.net > 0 ? ` net #${event.net}` : ""}: ${event.outputs
          .slice(0, 8)
          .map(({ blob, value }) => `${unquoted(blob)} = ${shortNumber(value)}`)
          .join(", ")}${event.outputs.length > 8 ? ", …" : ""}`,
      ];
    case "snapshot":
      return [
        paint(`Iteration ${event.iteration}, snapshot: ${unquoted(shownPath(io, event.model), 200)}`, "dim"),
      ];
    case "restore":
    case "weights":
    case "rateStep":
    case "debug":
    case "testInterrupted":
      return formatEvent(event);
    case "start":
    case "progress":
    case "display":
    case "testing":
    case "finalLoss":
    case "warning":
    case "done":
      return [];
    default:
      return event satisfies never;
  }
}

function resultLines({ outcome, net, target, seconds }: Result, io: Io, paint: Paint): readonly string[] {
  const { iteration, stopped, loss, tests, snapshot } = outcome;
  const name = net === "" ? "the net" : unquoted(net);
  const lines = [
    "",
    paint(
      `${stopped ? "Stopped" : "Trained"} ${name}: ${showCount(iteration, "iteration")}, ${showDuration(seconds)}, on ${target}`,
      "bold",
      stopped ? "yellow" : "green",
    ),
  ];
  const facts: [label: string, value: string][] = [];
  if (loss !== undefined) facts.push(["train loss", shortNumber(loss)]);
  for (const { net: index, iteration: at, outputs } of tests)
    for (const output of outputs)
      facts.push([
        `test ${tests.length > 1 ? `#${index} ` : ""}${unquoted(output.blob, 40)}`,
        `${outputText(output)}${at === iteration ? "" : ` (at iteration ${at})`}`,
      ]);
  if (snapshot) {
    facts.push(["weights", unquoted(shownPath(io, snapshot.model), 200)]);
    facts.push(["state", `${unquoted(shownPath(io, snapshot.state), 200)} (go on with --snapshot)`]);
  }
  const width = Math.max(0, ...facts.map(([label]) => label.length));
  return [...lines, ...facts.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`)];
}

/** `0.0612 (* 1 = 0.0612 loss)`, as Caffe writes an output's value. */
export const outputText = ({ value, lossWeight }: Pick<OutputValue, "value" | "lossWeight">): string =>
  lossWeight === 0
    ? shortNumber(value)
    : `${shortNumber(value)} (* ${shortNumber(lossWeight)} = ${shortNumber(lossWeight * value)} loss)`;
