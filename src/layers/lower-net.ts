import { createBuilder, type GraphBuilder } from "../../codegen/ir/builder.js";
import type { Node, Shape } from "../../codegen/ir/graph.js";
import { createDiagnostics, type Span } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import type { LayerParameter, Phase } from "../../proto/index.js";
import { distinctNames } from "../../proto/words/by-place.js";
import { quoted } from "../../proto/words/names.js";
import type { NetDef, Wiring } from "../net-text/index.js";
import { checkCounts } from "./arity.js";
import { flopsBetween } from "./flops.js";
import { attempt, failing, placeOf, reportUnknownType } from "./layer-mistakes.js";
import type { LayerParam, LoweredParam } from "./layer-params.js";
import {
  type BlobFile,
  createState,
  feedContext,
  isNode,
  type LayerFeed,
  type LayerSink,
  type LoweredBlob,
  type LowerOptions,
  lowerLayer,
  type OwnParam,
  type RowCount,
  type State,
} from "./lower-layer.js";
import { type DecidedLayer, type Decision, decideBackward } from "./needs.js";
import type { LayerType, RangeCheck } from "./record.js";
import { knownLayerTypes } from "./registry.js";

export type { LayerParam, LoweredParam } from "./layer-params.js";
export {
  type BlobFile,
  type FeedShapes,
  inputName,
  type LayerFeed,
  type LayerSink,
  type LoweredBlob,
  type LowerOptions,
  NOT_OPENED,
  type RowCount,
  STEP,
} from "./lower-layer.js";

/** A layer of a lowered net. */
export interface LoweredLayer {
  readonly name: string;
  /** Its name, told apart from those of other layers: the origin of its nodes. */
  readonly origin: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly needsBackward: boolean;
  /** Of each bottom, whether Caffe's backward of the layer writes its diff. */
  readonly passesDown: readonly boolean[];
  readonly params: readonly LayerParam[];
  /** Operations of its forward pass; a multiply-add counts 2. */
  readonly flops: number;
  /** The values it reads and makes: `blob` nodes. */
  readonly bottomNodes: readonly Node[];
  readonly topNodes: readonly Node[];
}

/** A layer that is lowered, before it is known who takes part in backward. */
interface Done extends Pick<LoweredLayer, "flops" | "bottomNodes" | "topNodes"> {
  readonly layer: LayerParameter;
  readonly params: OwnParam[];
}

/** A net as graph: everything that compiling it needs. */
export interface LoweredNet {
  readonly builder: GraphBuilder;
  readonly layers: readonly LoweredLayer[];
  /** By index: `param` nodes name them so. */
  readonly params: readonly LoweredParam[];
  /** In the order in which they are made. */
  readonly blobs: ReadonlyMap<string, LoweredBlob>;
  /** Blobs that are given from outside, by the caller or a data layer, and their shapes. */
  readonly inputs: ReadonlyMap<string, Shape>;
  /** Data layers and where their tops' values come from. */
  readonly feeds: readonly LayerFeed[];
  /** What layers write at each forward. */
  readonly sinks: readonly LayerSink[];
  /** Constants that layers read from files. */
  readonly files: readonly BlobFile[];
  /** Numbers of rows that depend on values, and for which of them the graph is made. */
  readonly rowCounts: readonly RowCount[];
  /** Whether something random reads the input STEP. */
  readonly random: boolean;
  /** Blobs that no layer reads, in Caffe's order. */
  readonly outputs: readonly string[];
  /**
   * Blobs with a loss weight. `backward`: whether Caffe starts there; not so where the layer has nothing to learn
   * below it, or where its only reader passes nothing down.
   */
  readonly losses: readonly {
    readonly blob: string;
    readonly node: Node;
    readonly weight: number;
    readonly backward: boolean;
  }[];
  /** What gradients are asked for: parameters by index, and input blobs. */
  readonly wanted: { readonly params: readonly number[]; readonly inputs: readonly string[] };
  /** What a state's blob becomes when forward ends. */
  readonly updates: readonly { readonly param: number; readonly node: Node }[];
  /** Values that must be in range at run time. */
  readonly checks: readonly (RangeCheck & { readonly span?: Span })[];
  /** Who takes part in backward, with Caffe's split layers. */
  readonly decisions: readonly Decision[];
}

/** The data layers of a net whose phase is selected. A layer with a mistake is left out: lowering reports it. */
export function feedsOf(netDef: NetDef, phase: Phase, types?: readonly LayerType[]): readonly LayerFeed[] {
  const known = knownLayerTypes(types);
  const unread = createDiagnostics();
  return netDef.net.layer.flatMap((layer): LayerFeed[] => {
    const type = known.get(layer.type);
    if (!type?.feed) return [];
    const fail = failing(layer, type, () => [], unread);
    const spec = attempt(() => {
      checkCounts(layer, type, fail);
      return type.feed?.(feedContext(layer, type, phase, fail));
    });
    return spec ? [{ layer, spec }] : [];
  });
}

/**
 * Lowers every layer of a net to graph. `netDef` has the layers of its phase only and `wiring` is theirs.
 *
 * Every mistake is reported; a layer whose bottoms could not be made, or whose text has a mistake, is passed over in
 * silence. Undefined if anything is wrong.
 */
export function lowerNet(netDef: NetDef, wiring: Wiring, options: LowerOptions): LoweredNet | undefined {
  const { diagnostics } = options;
  const { net } = netDef;
  const known = knownLayerTypes(options.types);
  const builder = createBuilder();
  const state = createState(builder, net, options);
  const decided: DecidedLayer[] = [];
  const done: Done[] = [];
  const losses: { index: number; blob: string; node: Node; weight: number }[] = [];
  const origins = distinctNames(wiring.layers.map(({ layer }) => layer.name));

  for (const [index, { layer, bottoms, tops }] of wiring.layers.entries()) {
    const type = known.get(layer.type);
    const damaged = netDef.damaged.has(layer);
    // Of a layer with a mistake in its text the type is reported where there is one.
    if (!type && !(damaged && layer.type === "")) reportUnknownType(layer, known, diagnostics);
    if (!type || damaged) continue;
    const nodes = bottoms.map((version) => state.values.get(version));
    const made = () => bottoms.map((version, i) => placeOf(wiring, version, nodes[i]));
    const fail = failing(layer, type, made, diagnostics);
    const ready = nodes.every((node) => node !== undefined);
    builder.origin = origins[index];
    const result = attempt(() => {
      checkCounts(layer, type, fail);
      return ready ? lowerLayer(layer, type, nodes, fail, state) : undefined;
    });
    if (!result) continue;

    const topNodes = result.tops.map((node, top) => {
      const version = tops[top] ?? { blob: unnamed(origins[index], state), version: 0 };
      const marked = builder.blob(node, version.blob, version.version);
      if (tops[top]) state.values.set(tops[top], marked);
      const before = state.blobs.get(version.blob);
      state.blobs.set(version.blob, { shape: node.shape, first: before?.first ?? marked, last: marked });
      const weight =
        layer.loss_weight[top] ?? (top === 0 && layer.loss_weight.length === 0 ? (type.lossWeight ?? 0) : 0);
      if (weight !== 0) losses.push({ index, blob: version.blob, node: marked, weight });
      return marked;
    });
    const bottomNodes = nodes.filter(isNode);
    done.push({
      layer,
      params: result.params,
      bottomNodes,
      topNodes,
      flops: flopsBetween(bottomNodes, result.tops),
    });
    decided.push({
      name: layer.name,
      bottoms: layer.bottom,
      tops: layer.top,
      lossWeights: layer.loss_weight,
      defaultLossWeight: type.lossWeight ?? 0,
      unnamedTops: result.tops.length - layer.top.length,
      propagateDown: layer.propagate_down,
      learns: result.params.map(({ learns }) => learns),
      forces: type.forceBackward ?? (() => true),
    });
  }
  builder.origin = "";
  checkShapeNames(wiring, done, state);
  if (done.length < wiring.layers.length) return undefined;

  const decisions = decideBackward(decided, net.force_backward);
  const decisionOf = decisions.filter(({ layer }) => layer !== undefined);
  return {
    builder,
    layers: done.map(({ layer, params, ...rest }, index) => ({
      ...rest,
      name: layer.name,
      origin: origins[index],
      type: layer.type,
      bottoms: layer.bottom,
      tops: layer.top,
      needsBackward: decisionOf[index].needsBackward,
      passesDown: decisionOf[index].bottoms.map((passes) => passes && decisionOf[index].needsBackward),
      params: state.params.seenBy(params),
    })),
    params: state.params.all(),
    blobs: state.blobs,
    inputs: state.inputs,
    feeds: state.feeds,
    sinks: state.sinks,
    files: state.files,
    rowCounts: state.rowCounts,
    random: state.streams > 0,
    outputs: wiring.outputs.map(({ blob }) => blob),
    losses: losses.map(({ index, ...loss }) => ({ ...loss, backward: decisionOf[index].needsBackward })),
    wanted: { params: state.params.learned(), inputs: wantedInputs(wiring, state, decisionOf) },
    updates: [...state.states]
      .filter(([, { changed }]) => changed)
      .map(([param, { node }]) => ({ param, node })),
    checks: state.checks,
    decisions,
  };
}

/** Caffe's name for a top that has none; a second one gets its layer's name too. */
const unnamed = (layer: string, { blobs }: State): string =>
  blobs.has("(automatic)") ? `(automatic) ${layer}` : "(automatic)";

/** Input blobs whose diff Caffe computes: some reader passes the gradient on. */
function wantedInputs(wiring: Wiring, state: State, decisions: readonly Decision[]): readonly string[] {
  const wanted = new Set<string>();
  for (const [index, { bottoms }] of wiring.layers.entries())
    for (const [i, { blob, version }] of bottoms.entries())
      if (version === 0 && state.inputs.has(blob) && decisions[index].bottoms[i]) wanted.add(blob);
  return [...state.inputs.keys()].filter((blob) => wanted.has(blob));
}

/** A shape that the caller gives must be for a blob that takes one; layers with mistakes are given the benefit of the doubt. */
function checkShapeNames(wiring: Wiring, done: readonly Done[], { inputs, options }: State): void {
  if (!options.shapes) return;
  const lowered = new Set(done.map(({ layer }) => layer));
  const failed = wiring.layers.filter(({ layer }) => layer.bottom.length === 0 && !lowered.has(layer));
  const blobs = new Set([...inputs.keys(), ...failed.flatMap(({ layer }) => layer.top)]);
  for (const blob of Object.keys(options.shapes))
    if (!blobs.has(blob))
      options.diagnostics.error(`shapes: the net has no input blob ${quoted(blob)}`, undefined, {
        hint: didYouMean(blob, blobs),
      });
}
