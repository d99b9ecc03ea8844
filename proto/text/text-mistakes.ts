/**
 * Collects the mistakes of one text. Where a mistake stands in a layer, the message names it; the name may come
 * further down than the mistake, so the messages are made at the end.
 */

import type { Diagnostic, Diagnostics, Span } from "../errors/index.js";
import { didYouMean, orList } from "../errors/suggest.js";
import type { Draft, FieldInfo, MessageInfo } from "../index.js";
import { DEFINE_LAYER, forkFieldHelp } from "../upgrade/forks.js";
import { quoted, quotedLayer } from "../words/names.js";

/** Types that hold one layer, in any generation. */
const LAYER_TYPES: ReadonlySet<string> = new Set(["LayerParameter", "V1LayerParameter", "V0LayerParameter"]);

/** A message that is being read, inside another. */
export interface Frame {
  readonly info: MessageInfo;
  readonly message: Draft;
  /** The field of the parent that holds it; undefined for the file itself. */
  readonly field: FieldInfo | undefined;
  /** The field's name and the opening bracket; the start of the file for the file itself. */
  readonly opened: Span;
  /** The column of the field's name when it starts its line. */
  readonly indent: number | undefined;
  readonly closer: "}" | ">" | undefined;
  readonly parent: Frame | undefined;
}

/** After this many mistakes the rest of the text is not read: it is something else than a prototxt. */
const MOST_MISTAKES = 1000;

export interface Mistakes {
  error(frame: Frame, message: string, span: Span, extra?: Pick<Diagnostic, "hint" | "related">): void;
  /** What the scanner reports to: mistakes without a frame. */
  readonly scanner: Diagnostics;
  readonly tooMany: boolean;
  /** Hands all of them over, in the order of the text. */
  deliver(diagnostics: Diagnostics): void;
}

export function createMistakes(): Mistakes {
  const found: { readonly frame: Frame | undefined; readonly diagnostic: Diagnostic }[] = [];
  const add = (diagnostic: Diagnostic, frame?: Frame): void => {
    if (found.length < MOST_MISTAKES) found.push({ frame, diagnostic });
  };
  const scanner: Diagnostics = {
    report: add,
    error: (message, span, extra) => add({ severity: "error", message, span, ...extra }),
    warn: (message, span, extra) => add({ severity: "warning", message, span, ...extra }),
    get all() {
      return found.map(({ diagnostic }) => diagnostic);
    },
    get hasErrors() {
      return found.some(({ diagnostic }) => diagnostic.severity === "error");
    },
  };
  return {
    error: (frame, message, span, extra) => add({ severity: "error", message, span, ...extra }, frame),
    scanner,
    get tooMany() {
      return found.length >= MOST_MISTAKES;
    },
    deliver(diagnostics) {
      const sorted = [...found].sort(
        (a, b) => (a.diagnostic.span?.start ?? 0) - (b.diagnostic.span?.start ?? 0),
      );
      for (const { frame, diagnostic } of sorted) {
        const where = frame && placeName(frame);
        diagnostics.report(
          where ? { ...diagnostic, message: `${where}: ${diagnostic.message}` } : diagnostic,
        );
      }
      if (found.length >= MOST_MISTAKES)
        diagnostics.error(`more than ${MOST_MISTAKES} mistakes: the rest of the text was not read`);
    },
  };
}

/** `layer "conv1" (Convolution), convolution_param`; undefined for the file itself. */
function placeName(frame: Frame): string | undefined {
  const parts: string[] = [];
  for (let at: Frame | undefined = frame; at?.field !== undefined; at = at.parent) {
    // Of `layers { layer { … } }` the inner one has the name.
    const inner = parts.length > 0 && at.info.name === "V1LayerParameter" && parts[0]?.startsWith("layer ");
    if (inner) continue;
    parts.unshift(LAYER_TYPES.has(at.info.name) ? layerName(at.message) : at.field.name);
  }
  return parts.length === 0 ? undefined : parts.join(", ");
}

function layerName(message: Draft): string {
  const own = (name: string): string | undefined => {
    const value = Object.hasOwn(message, name) ? message[name] : undefined;
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const name = own("name");
  const type = own("type");
  if (name === undefined)
    return type === undefined ? "layer without a name" : `layer of type ${quoted(type)}`;
  return quotedLayer(name, type);
}

/** Files of forks of Caffe hold fields of their own. */
const NOT_IN_CAFFE = "BVLC Caffe 1.0 has no such field: the file may be for a fork of it";

/** The share of a settings block's name that may differ: `transpose_param` is not `transform_param` mistyped. */
const MOST_OF_SETTINGS = 4;

/**
 * "Did you mean" of the fields that may still be given here: not one that takes one value and has it, and of `layer` and
 * `layers` the one that the file uses.
 */
function nearField({ info, message }: Frame, name: string): string | undefined {
  const isLayer = info.name === "LayerParameter" && name.endsWith("_param");
  const generation =
    Object.hasOwn(message, "layers") || (!Object.hasOwn(message, "layer") && name.endsWith("s"))
      ? "layer"
      : "layers";
  const candidates = info.fields.filter(
    (field) =>
      (field.repeated || !Object.hasOwn(message, field.name)) &&
      !(info.name === "NetParameter" && field.name === generation),
  );
  return didYouMean(
    name,
    candidates.map((field) => field.name),
    quoted,
    isLayer ? MOST_OF_SETTINGS : undefined,
  );
}

/** What helps with a field that its message does not have. */
export function unknownFieldHelp(frame: Frame, name: string): Pick<Diagnostic, "hint" | "related"> {
  for (let outer = frame.parent; outer !== undefined; outer = outer.parent) {
    if (!outer.info.byName.has(name)) continue;
    const holder = outer.field === undefined ? "the net or solver itself" : outer.field.name;
    return {
      hint: `${name} is a field of ${holder}: is a "}" missing before it?`,
      related: [{ message: `${frame.field?.name} was opened here`, span: frame.opened }],
    };
  }
  const { info } = frame;
  const inside = info.fields
    .filter(({ kind }) => kind.is === "message" && kind.info().byName.has(name))
    .map((field) => field.name);
  const help = forkFieldHelp(info.name, name);
  if (help !== undefined) return { hint: help };
  const near = nearField(frame, name);
  if (inside.length > 0 && near === undefined) {
    const named = inside.length > 4 ? [...inside.slice(0, 4), "others"] : inside;
    return { hint: `${name} is a field of ${orList(named)}: it goes inside, or a "}" before it is too much` };
  }
  const settings = info.name === "LayerParameter" && name.endsWith("_param");
  return { hint: near ?? (settings ? `${NOT_IN_CAFFE}; ${DEFINE_LAYER}` : NOT_IN_CAFFE) };
}
