/** From a prototxt to a net or solver in the current format, and to the layers of one phase. */

import {
  CortadoError,
  createDiagnostics,
  type Diagnostic,
  type Diagnostics,
  type SourceText,
  type Span,
} from "../../proto/errors/index.js";
import {
  createMessage,
  has,
  type LayerParameter,
  type NetParameter,
  type NetState,
  type NetStateRule,
  type Phase,
  type Schema,
  type SolverParameter,
} from "../../proto/index.js";
import { parseMessage } from "../../proto/text/parse-text.js";
import { amend, nameSpanOf, placeItems, spanOf } from "../../proto/text/spans.js";
import { upgradeNet, upgradeSolver } from "../../proto/upgrade/upgrade.js";
import { quoted } from "../../proto/words/names.js";
import { wrongText } from "./foreign.js";

/** A net in the current format, with the text it came from. */
export interface NetDef {
  readonly net: NetParameter;
  readonly source: SourceText;
  readonly warnings: readonly Diagnostic[];
  /** Layers that `selectLayers` left out, so that an error can say where a missing blob went. */
  readonly leftOut: readonly LayerParameter[];
  /** Layers in whose text there is a mistake; with any, the net cannot be compiled, only looked at. */
  readonly damaged: ReadonlySet<LayerParameter>;
  /** A mistake may have cost the net a layer, an input or a top: where blobs come from cannot be told. */
  readonly incomplete?: boolean;
}

/** A solver in the current format, with the text it came from. */
export interface SolverDef {
  readonly solver: SolverParameter;
  readonly source: SourceText;
  readonly warnings: readonly Diagnostic[];
  /** Mistakes of its text, where it was read as far as they allow: it cannot be used, only looked at. */
  readonly errors?: readonly Diagnostic[];
}

export interface ParseOptions {
  /** How messages name the text: a path. */
  readonly name?: string;
  /** The messages that it may hold: the schema's, with fields that layer types of one's own declare. */
  readonly schema?: Schema;
}

/** What a net is built for. */
export interface SelectedState {
  readonly phase: Phase;
  readonly level?: number;
  readonly stages?: readonly string[];
}

/**
 * Reads the prototxt of a net of any generation.
 *
 * @throws CortadoError with every mistake of the text
 */
export function parseNet(text: string, options: ParseOptions = {}): NetDef {
  const { definition, errors } = readNet(text, options);
  if (errors.length > 0) throw new CortadoError([...errors, ...definition.warnings]);
  return definition;
}

/**
 * Reads the prototxt of a net as far as its mistakes allow: layers in whose text there is one are `damaged`, so that
 * the others can still be looked at.
 */
export function readNet(
  text: string,
  options: ParseOptions = {},
): { readonly definition: NetDef; readonly errors: readonly Diagnostic[] } {
  const source: SourceText = { name: options.name ?? "<net>", text };
  const wrong = wrongText(text, source.name, "net");
  if (wrong) {
    const net = createMessage("NetParameter");
    return {
      definition: { net, source, warnings: [], leftOut: [], damaged: new Set(), incomplete: true },
      errors: [wrong],
    };
  }
  const diagnostics = createDiagnostics();
  const net = upgradeNet(parseMessage(source, "NetParameter", diagnostics, options), diagnostics);
  const errors = diagnostics.all.filter(({ severity }) => severity === "error");
  const warnings = diagnostics.all.filter(({ severity }) => severity === "warning");
  const starts = errors.map(({ span }) => span?.start ?? -1).sort((a, b) => a - b);
  const damaged = new Set<LayerParameter>();
  const inside = new Set<number>();
  for (const layer of starts.length > 0 ? net.layer : []) {
    const whole = spanOf(layer);
    for (const start of whole ? within(starts, whole) : []) {
      damaged.add(layer);
      inside.add(start);
    }
  }
  const incomplete =
    starts.some((start) => !inside.has(start)) || [...damaged].some(({ top }) => top.length === 0);
  return { definition: { net, source, warnings, leftOut: [], damaged, incomplete }, errors };
}

/** Of sorted offsets, those inside a span. */
function within(sorted: readonly number[], { start, end }: Span): readonly number[] {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < start) low = middle + 1;
    else high = middle;
  }
  const found: number[] = [];
  for (let i = low; i < sorted.length && sorted[i] <= end; i++) found.push(sorted[i]);
  return found;
}

/**
 * Reads the prototxt of a solver, and the nets that stand in it.
 *
 * @throws CortadoError with every mistake of the text
 */
export function parseSolver(text: string, options: ParseOptions = {}): SolverDef {
  const { errors = [], ...definition } = readSolver(text, options);
  if (errors.length > 0) throw new CortadoError([...errors, ...definition.warnings]);
  return definition;
}

/** Reads the prototxt of a solver as far as its mistakes allow. @throws CortadoError for what is no solver at all */
export function readSolver(text: string, options: ParseOptions = {}): SolverDef {
  const source: SourceText = { name: options.name ?? "<solver>", text };
  const wrong = wrongText(text, source.name, "solver");
  if (wrong) throw new CortadoError([wrong]);
  const diagnostics = createDiagnostics();
  const parsed = parseMessage(source, "SolverParameter", diagnostics, options);
  const solver = upgradeSolver(parsed, diagnostics);
  const errors = diagnostics.all.filter(({ severity }) => severity === "error");
  const warnings = diagnostics.all.filter(({ severity }) => severity === "warning");
  return { solver, source, warnings, errors };
}

function throwErrors(diagnostics: Diagnostics): void {
  if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
}

/**
 * Keeps the layers whose rules the state meets, as Caffe's Net::FilterNet. The net's own `state` is merged: the
 * phase is the given one, the stages are those of both, the level is the given one or else the file's.
 *
 * @throws CortadoError when a layer has both include and exclude rules
 */
export function selectLayers(netDef: NetDef, selected: SelectedState): NetDef {
  const { net } = netDef;
  const diagnostics = createDiagnostics();
  const state = createMessage("NetState", {
    phase: selected.phase,
    level: selected.level ?? net.state?.level ?? 0,
    stage: [...(net.state?.stage ?? []), ...(selected.stages ?? [])],
  });
  const kept: LayerParameter[] = [];
  const leftOut: LayerParameter[] = [];
  for (const layer of net.layer) {
    if (layer.include.length > 0 && layer.exclude.length > 0)
      diagnostics.error(
        `layer ${quoted(layer.name)} has both include and exclude rules`,
        nameSpanOf(layer, "exclude") ?? spanOf(layer),
        {
          hint: "one kind is enough: without include rules a layer is in unless an exclude rule holds",
          related: [{ message: "the first include rule is here", span: nameSpanOf(layer, "include") }],
        },
      );
    (isIncluded(layer, state) ? kept : leftOut).push(layer);
  }
  throwErrors(diagnostics);
  const filtered = amend(net, { state, layer: kept });
  placeItems(filtered, "layer", kept);
  return { ...netDef, net: filtered, leftOut };
}

/** Without include rules a layer is in unless an exclude rule holds; with them it is in if one of them holds. */
function isIncluded(layer: LayerParameter, state: NetState): boolean {
  return layer.include.length === 0
    ? !layer.exclude.some((rule) => meetsRule(state, rule))
    : layer.include.some((rule) => meetsRule(state, rule));
}

/** Whether a state meets every condition that a rule gives (Net::StateMeetsRule). */
export function meetsRule(state: NetState, rule: NetStateRule): boolean {
  if (has(rule, "phase") && rule.phase !== state.phase) return false;
  if (has(rule, "min_level") && state.level < rule.min_level) return false;
  if (has(rule, "max_level") && state.level > rule.max_level) return false;
  return (
    rule.stage.every((stage) => state.stage.includes(stage)) &&
    !rule.not_stage.some((stage) => state.stage.includes(stage))
  );
}
