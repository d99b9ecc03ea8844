import { type Shape, sameShape, sizeOf } from "../../codegen/ir/graph.js";
import { CortadoError, type Diagnostic } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { showCount, showShape } from "../../proto/words/amounts.js";
import { pairByName } from "../../proto/words/by-place.js";
import { quoted } from "../../proto/words/names.js";
import type { WeightSet } from "./weight-set.js";

/** The parameter blobs of one layer of a net, as the net has them. */
export interface WantedLayer {
  readonly layer: string;
  readonly shapes: readonly Shape[];
}

export interface Assignment {
  readonly layer: string;
  /** The layer's place among those wanted: several may have its name. */
  readonly at: number;
  readonly index: number;
  readonly data: Float32Array;
}

/** Names are compared for a hint up to this many pairs: beyond, the two sides have little to do with each other. */
const MOST_COMPARED = 20_000;
/** Names of one kind that the report spells out. */
const MOST_NAMED = 200;

/** What became of the layers on both sides. */
export interface MatchReport {
  /** Layers whose parameters come from the file. */
  readonly matched: readonly string[];
  /** Layers of the net that the file does not have: left as they were. */
  readonly untouched: readonly { readonly layer: string; readonly hint?: string }[];
  /** Layers of the file that the net does not have (or has without parameters): not used. */
  readonly unused: readonly string[];
}

/**
 * Matches weights to a net by layer name, as Caffe's CopyTrainedLayersFrom (of several layers of one name: see
 * `pairByName`). Shapes must agree; those of four extents,
 * as older files have them, agree with a shorter one that is the same but for leading ones.
 *
 * @throws CortadoError that names every blob which does not fit
 */
export function matchWeights(
  weights: WeightSet,
  wanted: readonly WantedLayer[],
): { readonly assignments: readonly Assignment[]; readonly report: MatchReport } {
  const sources = pairByName(
    weights.layers,
    wanted.map(({ layer }) => ({ name: layer })),
  );
  const assignments: Assignment[] = [];
  const mistakes: Diagnostic[] = [];
  const matched: string[] = [];
  const missing: string[] = [];
  for (const [at, { layer, shapes }] of wanted.entries()) {
    const found = sources[at];
    const name = quoted(layer);
    if (!found) {
      missing.push(layer);
      continue;
    }
    matched.push(layer);
    if (found.blobs.length !== shapes.length) {
      mistakes.push({
        severity: "error",
        message: `layer ${name} has ${counted(shapes.length)} in the net and ${found.blobs.length} in the weights`,
        hint: "to leave the net's own values in place, give the layer another name in one of them",
      });
      continue;
    }
    for (const [index, { shape, data }] of found.blobs.entries()) {
      if (agree(shape, shapes[index])) assignments.push({ layer, at, index, data });
      else
        mistakes.push({
          severity: "error",
          message: `parameter ${index} of layer ${name} has shape ${showShape(shapes[index])} in the net and ${showShape(shape)} in the weights`,
          hint: "to learn this layer anew, give it another name in the net",
        });
    }
  }
  if (mistakes.length > 0) throw new CortadoError(mistakes);
  const names = new Set(matched);
  const unused = weights.layers.map(({ name }) => name).filter((name) => !names.has(name));
  // A name that another layer took is no suggestion.
  const compared = missing.length * unused.length <= MOST_COMPARED;
  const untouched = missing.map((layer) => {
    const hint = compared ? didYouMean(layer, unused) : undefined;
    return hint === undefined ? { layer } : { layer, hint };
  });
  return { assignments, report: { matched, untouched, unused } };
}

const counted = (count: number): string => showCount(count, "parameter blob");

/** Blob::ShapeEquals: a legacy shape is right-aligned over the net's. */
function agree(given: Shape, wanted: Shape): boolean {
  if (sameShape(given, wanted)) return true;
  if (given.length !== 4 || wanted.length >= 4 || sizeOf(given) !== sizeOf(wanted)) return false;
  const extra = given.length - wanted.length;
  return given.every((extent, i) => extent === (i < extra ? 1 : wanted[i - extra]));
}

/** The report for people: a line for each kind. Weights of which none fits are warned of: Caffe says nothing. */
export function formatMatchReport({ matched, untouched, unused }: MatchReport): string {
  const lines = [tookLine(matched, untouched.length)];
  if (untouched.length > 0)
    lines.push(
      `left as initialised, not in the weights: ${listed(untouched, ({ layer, hint }) => `${quoted(layer)}${hint ? ` (${hint})` : ""}`)}`,
    );
  if (unused.length > 0) lines.push(`in the weights but not in the net: ${listed(unused, quoted)}`);
  return lines.join("\n");
}

function tookLine(matched: readonly string[], untouched: number): string {
  if (matched.length > 0)
    return `${showCount(matched.length, "layer")} took weights: ${listed(matched, quoted)}`;
  return untouched > 0
    ? "warning: no layer took weights, for none has the name of one in the weights"
    : "no layer took weights: the net has no parameters";
}

function listed<T>(items: readonly T[], show: (item: T) => string): string {
  const rest = items.length - MOST_NAMED;
  return `${items.slice(0, MOST_NAMED).map(show).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
