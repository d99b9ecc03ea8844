import { differentiate, type Rules } from "../../codegen/autodiff/index.js";
import type { Graph, Node, Root } from "../../codegen/ir/graph.js";
import { CortadoError, InternalError } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { quoted } from "../../proto/words/names.js";
import type { LoweredBlob, LoweredNet } from "../layers/lower-net.js";
import type { CompileOptions } from "./compile-options.js";
import { collectDiffParts, topRoots } from "./watch.js";

/** The name of a run-time check's value: one that no blob of the net has. */
export const checkName = (lowered: LoweredNet, index: number): string =>
  nameBeside(lowered, `check:${index}`);

/** The name of a value that a layer writes at each forward, likewise. */
export const sinkName = (lowered: LoweredNet, sink: number, value: number): string =>
  nameBeside(lowered, `sink:${sink}.${value}`);

/** The name of a number of rows that a run finds, likewise. */
export const rowsName = (lowered: LoweredNet, index: number): string => nameBeside(lowered, `rows:${index}`);

/** The name of what a step takes from a parameter, likewise. */
export const takenName = (lowered: LoweredNet, index: number): string =>
  nameBeside(lowered, `taken:${index}`);

function nameBeside({ blobs }: LoweredNet, wanted: string): string {
  let name = wanted;
  while (blobs.has(name)) name = `${name}'`;
  return name;
}

/** What a program of a net is for. One net has several: forward alone, with backward, with other seeds. */
export interface Objective {
  readonly backward: boolean;
  /** Blobs whose diff the caller gives; a loss among them leaves its weight to the caller as well. */
  readonly seeds: readonly string[];
  /** Blobs readable after a pass, beside the outputs. */
  readonly keep: readonly string[];
  /** Every layer's tops readable after forward, and its parts of its bottoms' diffs after backward. */
  readonly watch?: boolean;
}

/** A graph's name for the diff that the caller puts on a blob. No blob's own input has this form: see `inputName`. */
export const diffName = (blob: string): string => `diff:${blob}`;

function blobOf({ blobs }: LoweredNet, name: string): LoweredBlob {
  const blob = blobs.get(name);
  if (!blob) throw new InternalError(`the net has no blob ${JSON.stringify(name)}`);
  return blob;
}

/** Where gradients start, as nodes: the loss weights, and one input for each of the caller's diffs. */
export function seedsOf(lowered: LoweredNet, objective: Objective): { node: Node; cotangent: Node }[] {
  const b = lowered.builder;
  const given = new Set(objective.seeds);
  const losses = lowered.losses
    .filter(({ blob, backward }) => backward && !given.has(blob))
    .map(({ node, weight }) => ({ node, cotangent: b.constant(weight, node.shape) }));
  const diffs = objective.seeds.map((blob) => {
    const node = blobOf(lowered, blob).last;
    return { node, cotangent: b.input(diffName(blob), node.shape) };
  });
  return [...losses, ...diffs];
}

/** Gradients by parameter index, and diffs by blob, of an objective's seeds. */
export interface Differentiated {
  readonly gradients: ReadonlyMap<number, Node>;
  readonly diffs: ReadonlyMap<string, Node>;
  /** Of an objective that watches. */
  readonly watched: readonly Root[];
}

/** Differentiates what the net computes. Blob diffs are those of the first value under each name, as Caffe leaves them. */
export function differentiateNet(lowered: LoweredNet, objective: Objective, rules?: Rules): Differentiated {
  const { wanted, params } = lowered;
  const parts = objective.watch ? collectDiffParts(lowered) : undefined;
  const seeds = seedsOf(lowered, objective);
  const cotangents = differentiate(lowered.builder, {
    seeds,
    wanted: wantedNodes(lowered, objective, seeds),
    rules,
    onPart: parts?.onPart,
  });
  const gradients = new Map<number, Node>();
  for (const index of wanted.params) {
    const gradient = cotangents.get(params[index].node);
    if (gradient) gradients.set(index, gradient);
  }
  const diffs = new Map<string, Node>();
  for (const blob of new Set([...wanted.inputs, ...objective.keep])) {
    const diff = cotangents.get(blobOf(lowered, blob).first);
    if (diff) diffs.set(blob, diff);
  }
  // Caffe writes the weight into a loss's diff when the net is set up, whether backward starts there or not.
  for (const { blob, node, weight, backward } of lowered.losses)
    if (!backward && objective.keep.includes(blob) && !diffs.has(blob))
      diffs.set(blob, lowered.builder.constant(weight, node.shape));
  return { gradients, diffs, watched: parts?.roots() ?? [] };
}

/**
 * What to differentiate by: parameters, inputs, and values whose diffs Caffe leaves though they lead to nothing that
 * learns, as far as somebody reads them: what layers pass down (a loss on a recurrent layer's last state), and where
 * backward starts.
 */
export function wantedNodes(
  lowered: LoweredNet,
  { keep, watch }: Pick<Objective, "keep" | "watch">,
  seeds: readonly { readonly node: Node }[],
): readonly Node[] {
  const { layers, wanted, params } = lowered;
  const read = new Set(keep);
  const passed = layers.flatMap(({ bottomNodes, passesDown }) => bottomNodes.filter((_, i) => passesDown[i]));
  const left = [...passed, ...seeds.map(({ node }) => node)];
  return [
    ...wanted.params.map((index) => params[index].node),
    ...wanted.inputs.map((blob) => blobOf(lowered, blob).first),
    ...left.filter((node) => watch || (node.op === "blob" && read.has(node.blob))),
  ];
}

/** What forward must leave in memory. */
export function forwardRoots(lowered: LoweredNet, objective: Objective): readonly Root[] {
  const readable = new Set([...lowered.outputs, ...objective.keep]);
  return [
    ...[...readable].map((blob): Root => ({ role: "value", blob, node: blobOf(lowered, blob).last })),
    ...(objective.watch ? topRoots(lowered) : []),
    ...lowered.checks.map(({ node }, i): Root => ({ role: "value", blob: checkName(lowered, i), node })),
    ...lowered.sinks.flatMap(({ nodes }, sink) =>
      nodes.map((node, i): Root => ({ role: "value", blob: sinkName(lowered, sink, i), node })),
    ),
    ...lowered.rowCounts.map(({ node }, i): Root => ({ role: "value", blob: rowsName(lowered, i), node })),
    ...lowered.updates.map(({ param, node }): Root => ({ role: "update", pass: "forward", param, node })),
  ];
}

/** The graph of an objective. `rules`: other derivatives than Cortado's own, for tests. */
export function objectiveGraph(lowered: LoweredNet, objective: Objective, rules?: Rules): Graph {
  const roots = [...forwardRoots(lowered, objective)];
  if (objective.backward) {
    const { gradients, diffs, watched } = differentiateNet(lowered, objective, rules);
    for (const [blob, node] of diffs) roots.push({ role: "diff", blob, node });
    for (const [param, node] of gradients) roots.push({ role: "gradient", param, node });
    roots.push(...watched);
  }
  return { roots };
}

/** Whether anything can be differentiated from the loss weights alone. */
export const hasGradient = ({ losses, wanted }: LoweredNet): boolean =>
  losses.some(({ backward }) => backward) && wanted.params.length + wanted.inputs.length > 0;

/**
 * The parameters, by index, whose diffs a step is to leave: those of the layers that `keepDiffs` names, or all with
 * `keep: "all"`. Throws a CortadoError for names that no layer with parameters has.
 */
export function keptDiffs(
  lowered: LoweredNet,
  { keep, keepDiffs }: Pick<CompileOptions, "keep" | "keepDiffs">,
): readonly number[] {
  const learning = lowered.layers.filter(({ params }) => params.length > 0);
  const all = keepDiffs === "all" || (keepDiffs === undefined && keep === "all");
  const names = keepDiffs === "all" ? [] : (keepDiffs ?? []);
  const unknown = names.filter((name) => !learning.some((layer) => layer.name === name));
  if (unknown.length > 0)
    throw new CortadoError(
      unknown.map((name) => ({
        severity: "error",
        message: `keepDiffs names ${quoted(name)}, and the net has no layer with parameters of that name`,
        hint: didYouMean(
          name,
          learning.map((layer) => layer.name),
        ),
      })),
    );
  const wanted = learning.filter(({ name }) => all || names.includes(name));
  return [...new Set(wanted.flatMap(({ params }) => params.map(({ index }) => index)))];
}

/** The blobs that `keep` names. Throws a CortadoError for names that the net does not have. */
export function keptBlobs(lowered: LoweredNet, keep: CompileOptions["keep"]): readonly string[] {
  if (keep === "all") return [...lowered.blobs.keys()];
  const unknown = (keep ?? []).filter((blob) => !lowered.blobs.has(blob));
  if (unknown.length > 0)
    throw new CortadoError(
      unknown.map((blob) => ({
        severity: "error",
        message: `keep names ${quoted(blob)}, a blob that the net does not have`,
        hint: didYouMean(blob, lowered.blobs.keys()),
      })),
    );
  return keep ?? [];
}
