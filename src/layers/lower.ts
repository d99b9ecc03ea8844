import type { LayerParameter, NetParameter, Phase } from "../../proto/index.js";
import { createDiagnostics, type Diagnostics, type Span } from "../errors/index.js";
import { createBuilder, type GraphBuilder } from "../ir/builder.js";
import type { FeedSpec } from "../ir/feed.js";
import { type Node, type Shape, sizeOf } from "../ir/graph.js";
import { type BlobVersion, didYouMean, type NetDef, quoted, spanOf, type Wiring } from "../prototxt/index.js";
import { checkCounts, topsOf } from "./arity.js";
import { flopsBetween } from "./flops.js";
import { type DecidedLayer, type Decision, decideBackward } from "./needs.js";
import { createParamTable, type LayerParam, type LoweredParam, type ParamTable } from "./params.js";
import {
  type FailDetail,
  type FeedContext,
  type LayerContext,
  type LayerType,
  parameterOf,
  type RangeCheck,
} from "./record.js";
import { knownLayerTypes, MISSING_TYPES } from "./registry.js";
import { showShape } from "./shapes.js";

export type { LayerParam, LoweredParam } from "./params.js";

/** The graph's name for the count of steps so far, which `random` reads: an input of shape []. */
export const STEP = "#step";

/** The graph's name for the value that the caller, or a data layer, gives to a blob. */
export const inputName = (blob: string): string => `blob:${blob}`;

/** Caffe counts a blob's elements in an int. */
const MOST_ELEMENTS = 2 ** 31 - 1;

export interface LowerOptions {
  readonly phase: Phase;
  /** Other shapes for blobs of Input layers. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** The shapes of each data layer's tops, by layer name. Those that fillers make need not be here. */
  readonly feedShapes: ReadonlyMap<string, readonly Shape[]>;
  readonly diagnostics: Diagnostics;
  /** Layer types beside Cortado's own. */
  readonly types?: readonly LayerType[];
}

/** A layer of a lowered net. */
export interface LoweredLayer {
  readonly name: string;
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly needsBackward: boolean;
  readonly params: readonly LayerParam[];
  /** Operations of its forward pass; a multiply-add counts 2. */
  readonly flops: number;
}

/** A blob by name: its shape and its first value (before any layer works in place) and last. */
export interface LoweredBlob {
  readonly shape: Shape;
  readonly first: Node;
  readonly last: Node;
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

/** A data layer and where its tops' values come from. */
export interface LayerFeed {
  readonly layer: LayerParameter;
  readonly spec: FeedSpec;
}

/** Thrown by `fail` inside a layer's definition and caught here: the mistake is in the diagnostics. */
class GivenUp extends Error {}

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
 * Every mistake is reported; a layer whose bottoms could not be made is passed over in silence. Undefined if
 * anything is wrong.
 */
export function lowerNet(netDef: NetDef, wiring: Wiring, options: LowerOptions): LoweredNet | undefined {
  const { diagnostics } = options;
  const { net } = netDef;
  const known = knownLayerTypes(options.types);
  const builder = createBuilder();
  const state = createState(builder, net, options);
  checkShapeNames(net, known, options);
  const decided: DecidedLayer[] = [];
  const done: { readonly layer: LayerParameter; readonly params: OwnParam[]; readonly flops: number }[] = [];
  const losses: { index: number; blob: string; node: Node; weight: number }[] = [];

  for (const [index, { layer, bottoms, tops }] of wiring.layers.entries()) {
    const type = known.get(layer.type);
    if (!type) {
      reportUnknownType(layer, known, diagnostics);
      continue;
    }
    const nodes = bottoms.map((version) => state.values.get(version));
    const made = bottoms.map((version, i) => placeOf(wiring, version, nodes[i]));
    const fail = failing(layer, type, () => made, diagnostics);
    const ready = nodes.every((node) => node !== undefined);
    builder.origin = layer.name;
    const result = attempt(() => {
      checkCounts(layer, type, fail);
      return ready ? lowerLayer(layer, type, nodes, fail, state) : undefined;
    });
    builder.origin = "";
    if (!result) continue;

    result.tops.forEach((node, top) => {
      const version = tops[top] ?? { blob: `${layer.name} (automatic)`, version: 0 };
      const marked = builder.blob(node, version.blob, version.version);
      if (tops[top]) state.values.set(tops[top], marked);
      const before = state.blobs.get(version.blob);
      state.blobs.set(version.blob, { shape: node.shape, first: before?.first ?? marked, last: marked });
      const weight =
        layer.loss_weight[top] ?? (top === 0 && layer.loss_weight.length === 0 ? (type.lossWeight ?? 0) : 0);
      if (weight !== 0) losses.push({ index, blob: version.blob, node: marked, weight });
    });
    done.push({ layer, params: result.params, flops: flopsBetween(nodes.filter(isNode), result.tops) });
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
  if (done.length < wiring.layers.length) return undefined;

  const decisions = decideBackward(decided, net.force_backward);
  const decisionOf = decisions.filter(({ layer }) => layer !== undefined);
  return {
    builder,
    layers: done.map(({ layer, params, flops }, index) => ({
      name: layer.name,
      type: layer.type,
      bottoms: layer.bottom,
      tops: layer.top,
      needsBackward: decisionOf[index].needsBackward,
      params: state.params.seenBy(params),
      flops,
    })),
    params: state.params.all(),
    blobs: state.blobs,
    inputs: state.inputs,
    feeds: state.feeds,
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

/** Input blobs whose diff Caffe computes: some reader passes the gradient on. */
function wantedInputs(wiring: Wiring, state: State, decisions: readonly Decision[]): readonly string[] {
  const wanted = new Set<string>();
  for (const [index, { bottoms }] of wiring.layers.entries())
    for (const [i, { blob, version }] of bottoms.entries())
      if (version === 0 && state.inputs.has(blob) && decisions[index].bottoms[i]) wanted.add(blob);
  return [...state.inputs.keys()].filter((blob) => wanted.has(blob));
}

/** What grows while the layers of a net are lowered. */
interface State {
  readonly builder: GraphBuilder;
  readonly options: LowerOptions;
  readonly forceBackward: boolean;
  readonly values: Map<BlobVersion, Node>;
  readonly blobs: Map<string, LoweredBlob>;
  readonly inputs: Map<string, Shape>;
  readonly feeds: LayerFeed[];
  readonly params: ParamTable;
  /** States by parameter index: their value so far, which a second layer that shares one goes on from. */
  readonly states: Map<number, { readonly node: Node; readonly changed: boolean }>;
  readonly checks: (RangeCheck & { readonly span?: Span })[];
  /** How many random streams are given out. */
  streams: number;
}

function createState(builder: GraphBuilder, net: NetParameter, options: LowerOptions): State {
  return {
    builder,
    options,
    forceBackward: net.force_backward,
    values: new Map(),
    blobs: new Map(),
    inputs: new Map(),
    feeds: [],
    params: createParamTable(builder, net.force_backward),
    states: new Map(),
    checks: [],
    streams: 0,
  };
}

interface OwnParam {
  readonly index: number;
  readonly shape: Shape;
  readonly learns: boolean;
}

type Fail = (message: string, field?: string, detail?: FailDetail) => never;

/** Runs one layer's definition. */
function lowerLayer(
  layer: LayerParameter,
  type: LayerType,
  bottoms: readonly (Node | undefined)[],
  fail: Fail,
  state: State,
): { readonly tops: readonly Node[]; readonly params: OwnParam[] } {
  const { builder, options } = state;
  const params: OwnParam[] = [];
  const input = (top: number, shape: Shape): Node => {
    checkExtents(shape, layer.top[top], fail);
    state.inputs.set(layer.top[top], shape);
    return builder.input(inputName(layer.top[top]), shape);
  };
  const addParam = (
    request: Pick<Parameters<ParamTable["add"]>[0], "position" | "shape" | "kind" | "filler" | "value">,
  ) => {
    checkExtents(request.shape, `parameter ${request.position}`, fail);
    const added = state.params.add({ layer, fail, ...request });
    params[request.position] = { index: added.index, shape: request.shape, learns: added.learns };
    return added;
  };
  const feed = feedContext(layer, type, options.phase, fail);
  const context: LayerContext = {
    ...feed,
    builder,
    // Where Caffe is told not to propagate down, the layer sees a constant.
    bottoms: bottoms.filter(isNode).map((node, i) => {
      const told = layer.propagate_down[i] ?? true;
      const forced = state.forceBackward && (type.forceBackward?.(i) ?? true);
      return told || forced ? node : builder.stop(node);
    }),
    param: (position, shape, filler, value) =>
      addParam({ position, shape, filler, value, kind: "learned" }).node,
    state(position, shape) {
      const { index, node } = addParam({ position, shape, kind: "state" });
      const known = state.states.get(index);
      if (!known) state.states.set(index, { node, changed: false });
      return known?.node ?? node;
    },
    update: (position, node) => state.states.set(params[position].index, { node, changed: true }),
    random: (shape) => builder.random(builder.input(STEP, []), state.streams++, shape),
    input(top, shape) {
      const blob = layer.top[top];
      const { shapes } = options;
      const given = shapes && Object.hasOwn(shapes, blob) ? shapes[blob] : shape;
      if (!given)
        fail(`blob ${quoted(blob)} has no shape: give it here, or to compile as shapes`, "top", {
          in: layer,
          index: top,
        });
      return input(top, given);
    },
    check: (check) =>
      state.checks.push({
        ...check,
        message: `${nameOf(layer)}: ${check.message}`,
        span: placeOfName(layer),
      }),
  };
  let tops: readonly Node[];
  if (type.feed) {
    const spec = type.feed(feed);
    state.feeds.push({ layer, spec });
    const shapes =
      options.feedShapes.get(layer.name) ??
      (spec.kind === "filler"
        ? spec.tops.map(({ shape }) => shape)
        : fail("its data source could not be opened"));
    tops = layer.top.map((_, top) =>
      input(top, shapes[top] ?? fail(`its data source gives no value for top ${top + 1}`)),
    );
  } else {
    tops = type.lower?.(context) ?? [];
  }
  for (const [top, { shape }] of tops.entries()) checkExtents(shape, layer.top[top] ?? "the top", fail, 0);
  if (layer.param.length > params.length)
    fail(
      `param is given ${layer.param.length} times, and the layer has ${params.length === 0 ? "no" : params.length} parameter blob${params.length === 1 ? "" : "s"}`,
      "param",
      { in: layer, index: params.length },
    );
  return { tops, params };
}

/** A shape that no blob can have: extents that are not counts, or too many elements. */
function checkExtents(shape: Shape, what: string, fail: Fail, least = 1): void {
  const bad = shape.find((extent) => !Number.isInteger(extent) || extent < least);
  if (bad !== undefined)
    fail(`${quoted(what)} would have the shape ${showShape(shape)}: ${bad} is no extent`);
  if (sizeOf(shape) > MOST_ELEMENTS)
    fail(`${quoted(what)} would have the shape ${showShape(shape)}: more than ${MOST_ELEMENTS} values`);
}

function feedContext(layer: LayerParameter, type: LayerType, phase: Phase, fail: Fail): FeedContext {
  return {
    layer,
    phase,
    topCount: topsOf(layer, type),
    parameter: type.parameter === undefined ? layer : parameterOf(layer, type.parameter),
    fail,
  } as FeedContext;
}

/** Runs a step that may give up; undefined if it did. */
function attempt<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (error instanceof GivenUp) return undefined;
    throw error;
  }
}

const isNode = (node: Node | undefined): node is Node => node !== undefined;

const nameOf = (layer: LayerParameter): string =>
  `layer ${quoted(layer.name)} (${quoted(layer.type).slice(1, -1)})`;

const placeOfName = (layer: LayerParameter): Span | undefined => spanOf(layer, "name") ?? spanOf(layer);

/** Where a bottom comes from, for messages. */
function placeOf(wiring: Wiring, version: BlobVersion, node: Node | undefined) {
  const maker = wiring.layers[version.layer]?.layer;
  return {
    message: `bottom ${quoted(version.blob)} has shape ${node ? showShape(node.shape) : "unknown"}${maker ? `, made by ${nameOf(maker)}` : ""}`,
    span: maker && (spanOf(maker, "top", version.top) ?? placeOfName(maker)),
  };
}

/** The `fail` of one layer. */
function failing(
  layer: LayerParameter,
  type: LayerType,
  bottoms: () => readonly { readonly message: string; readonly span?: Span }[],
  diagnostics: Diagnostics,
): Fail {
  return (message, field, detail = {}) => {
    const settings = detail.in ?? (type.parameter && layer[type.parameter]);
    const holder = settings as Parameters<typeof spanOf>[0] | undefined;
    const span =
      (field !== undefined && holder && spanOf(holder, field, detail.index)) ||
      (field !== undefined && holder && holder !== layer && spanOf(holder)) ||
      placeOfName(layer);
    const made = bottoms();
    diagnostics.error(`${nameOf(layer)}: ${message}`, span, {
      hint: detail.hint,
      related: [...new Set(detail.bottoms ?? [])].flatMap((i) => made[i] ?? []),
    });
    throw new GivenUp();
  };
}

function reportUnknownType(
  layer: LayerParameter,
  known: ReadonlyMap<string, LayerType>,
  diagnostics: Diagnostics,
): void {
  const span = spanOf(layer, "type") ?? spanOf(layer);
  const name = quoted(layer.type).slice(1, -1);
  if (layer.type === "") diagnostics.error(`layer ${quoted(layer.name)}: it has no type`, span);
  else if (MISSING_TYPES.has(layer.type))
    diagnostics.error(`layer ${quoted(layer.name)}: Cortado does not have layer type ${name} yet`, span);
  else
    diagnostics.error(`layer ${quoted(layer.name)}: there is no layer type ${quoted(layer.type)}`, span, {
      hint: didYouMean(layer.type, [...known.keys(), ...MISSING_TYPES]),
    });
}

/** A shape that the caller gives must be for a blob that takes one. */
function checkShapeNames(
  net: NetParameter,
  known: ReadonlyMap<string, LayerType>,
  { shapes, diagnostics }: LowerOptions,
): void {
  if (!shapes) return;
  const makers = net.layer.filter(({ type }) => type === "Input" || known.get(type)?.feed);
  const blobs = new Set(makers.flatMap(({ top }) => top));
  for (const blob of Object.keys(shapes))
    if (!blobs.has(blob))
      diagnostics.error(`shapes: the net has no input blob ${quoted(blob)}`, undefined, {
        hint: didYouMean(blob, blobs),
      });
}
