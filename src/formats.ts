/** What Cortado gives, in words: for people, a log, a file. */

import { type FormatOptions, isPlan, type Plan, formatPlan as planText } from "../codegen/plan/index.js";
import {
  argumentsOf,
  fields,
  flag,
  integer,
  kind,
  listOf,
  optional,
  optionsOf,
  type Rule,
  real,
  text,
  word,
} from "../proto/arguments/argument-rules.js";
import { bytes } from "../proto/arguments/file-rules.js";
import type { Plain } from "../proto/arguments/message-rules.js";
import {
  type Diagnostic,
  formatDiagnostics as diagnosticsText,
  type SourceText,
  type Span,
} from "../proto/errors/index.js";
import type { NetParameter } from "../proto/index.js";
import {
  formatEvent as eventLines,
  type OutputValue,
  type SnapshotContent,
  type SolverEvent,
} from "../runtime/solver/events.js";
import {
  type GradientFailure,
  type GradientPart,
  type GradientReport,
  formatGradientReport as gradientsText,
} from "./gradcheck/report.js";
import { netValue } from "./net/net-arguments.js";
import { netByValue } from "./net/read-definition.js";
import { type NetDef, formatNet as netText } from "./net-text/index.js";

/** A value of Cortado's own making, described by what is read of it. */
const made = <O extends object>(
  noun: string,
  rules: { readonly [K in keyof O]-?: Rule<NonNullable<O[K]>> },
  given: readonly (keyof O & string)[] = [],
): Rule<O> => {
  const names = Object.keys(rules) as (keyof O & string)[];
  return fields(rules, { noun, needed: names.filter((name) => !given.includes(name)) });
};

const FORMAT_NET = argumentsOf("formatNet", { net: netValue });

/** The prototxt of a net in the current format: of what `parseNet` gives, its `net`, or plain objects. Reading it gives the same net. */
export const formatNet = (net: NetDef | NetParameter | Plain<NetParameter>): string =>
  netText(netByValue(FORMAT_NET(net).net));

const FORMAT_PLAN = argumentsOf("formatPlan", {
  plan: kind<Plan>("the plan of a net", isPlan),
  options: optional(
    optionsOf<FormatOptions>("formatPlan", { params: listOf("an array of names", text()), refusals: flag }),
  ),
});

/**
 * A plan for people: totals; then each step with what it computes, where it lies and what that overwrites or may
 * not overwrite; then what is live at the peak. Text of the net stands quoted and escaped.
 */
export function formatPlan(plan: Plan, options?: FormatOptions): string {
  const given = FORMAT_PLAN(plan, options);
  return planText(given.plan, given.options);
}

const span = made<Span>("a place in a text", {
  source: made<SourceText>("a text with a name", { name: text(), text: text() }),
  start: integer(0),
  end: integer(0),
});
const related = made<NonNullable<Diagnostic["related"]>[number]>("another place", { message: text(), span }, [
  "span",
]);
const diagnostic = made<Diagnostic>(
  "a diagnostic",
  {
    severity: word(["error", "warning"]),
    message: text(),
    span,
    hint: text(),
    refused: kind<true>("true, or absent", (value) => value === true),
    related: listOf("an array of places", related),
  },
  ["span", "hint", "refused", "related"],
);
const FORMAT_DIAGNOSTICS = argumentsOf("formatDiagnostics", {
  diagnostics: listOf("an array of diagnostics", diagnostic),
});

/** Diagnostics for people, in the order found: place, message, excerpt with caret, related places, hint. */
export const formatDiagnostics = (diagnostics: readonly Diagnostic[]): string =>
  diagnosticsText(FORMAT_DIAGNOSTICS(diagnostics).diagnostics);

const count = integer(0);
const FORMAT_GRADIENT_REPORT = argumentsOf("formatGradientReport", {
  report: made<GradientReport>("a report of checkGradients", {
    checked: count,
    kinks: count,
    worst: real(),
    failures: listOf(
      "an array of failures",
      made<GradientFailure>("a failure", {
        prototxt: text(),
        seed: count,
        along: text(),
        backward: real(),
        differences: real(),
        error: real(),
      }),
    ),
    parts: listOf(
      "an array of parts",
      made<GradientPart>("a part", {
        name: text(),
        kind: word(["everything", "parameter", "input"]),
        shape: listOf("a shape", count),
        checked: count,
        kinks: count,
        worst: real(),
      }),
    ),
  }),
});

/** A report in words: one line, and the net of each failure. */
export const formatGradientReport = (report: GradientReport): string =>
  gradientsText(FORMAT_GRADIENT_REPORT(report).report);

const outputs = listOf(
  "an array of outputs",
  made<OutputValue>("an output", { blob: text(), index: count, value: real(), lossWeight: real() }),
);

type EventOf<K extends SolverEvent["kind"]> = Omit<Extract<SolverEvent, { kind: K }>, "kind">;
type EventRules<K extends SolverEvent["kind"]> = {
  readonly [F in keyof EventOf<K>]-?: Rule<NonNullable<EventOf<K>[F]>>;
};

/** What each kind of event holds. */
const EVENTS: { readonly [K in SolverEvent["kind"]]: EventRules<K> } = {
  start: { net: text(), policy: text(), iteration: count, maxIteration: count },
  restore: { file: text(), iteration: count },
  weights: { file: text(), report: text() },
  progress: {
    iteration: count,
    maxIteration: count,
    loss: real(),
    smoothedLoss: real(),
    rate: real(),
    imagesPerSecond: real(),
  },
  display: {
    iteration: count,
    loss: real(),
    rate: real(),
    iterationsPerSecond: real(),
    seconds: real(),
    every: count,
    outputs,
  },
  rateStep: { iteration: count, step: count },
  testing: { iteration: count, net: count },
  test: { iteration: count, net: count, loss: real(), outputs, showLoss: flag },
  testInterrupted: { iteration: count, net: count },
  snapshot: {
    iteration: count,
    model: text(),
    state: text(),
    content: made<SnapshotContent>("the content", { model: bytes, state: bytes }),
  },
  finalLoss: { iteration: count, loss: real() },
  debug: { iteration: count, lines: listOf("an array of lines", text()) },
  warning: { iteration: count, message: text() },
  done: { iteration: count, stopped: flag },
};

/** What was given has no file, and what was written is not given. */
const UNNEEDED = ["file", "content"];

const eventKind = word(Object.keys(EVENTS) as SolverEvent["kind"][]);
const event: Rule<SolverEvent> = {
  ...made<{ readonly kind: SolverEvent["kind"] }>("an event of a solver", { kind: eventKind }),
  take(value, where, say) {
    const { kind: of } = value as { readonly kind: unknown };
    if (!eventKind.is(of)) return made("", { kind: eventKind }).take(value, where, say) as SolverEvent;
    const rules = EVENTS[of as SolverEvent["kind"]] as Readonly<Record<string, Rule<unknown>>>;
    const inside = made<Readonly<Record<string, unknown>>>("", rules as never, UNNEEDED).take(
      value,
      where,
      say,
    );
    return { kind: of, ...inside } as unknown as SolverEvent;
  },
};
const FORMAT_EVENT = argumentsOf("formatEvent", { event });

/** The lines that Caffe's log has for an event of a solver, without their time stamps; none for what Caffe does not say. */
export const formatEvent = (given: SolverEvent): readonly string[] => eventLines(FORMAT_EVENT(given).event);
