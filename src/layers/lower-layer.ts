/** Runs the definition of one layer, and keeps what grows from layer to layer. */

import type { GraphBuilder } from "../../codegen/ir/builder.js";
import { type Node, type Shape, sizeOf } from "../../codegen/ir/graph.js";
import { arg, constant, select } from "../../codegen/ir/scalar.js";
import type { Diagnostics, Span } from "../../proto/errors/index.js";
import type { FillerParameter, LayerParameter, NetParameter, Phase } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted, quotedPath } from "../../proto/words/names.js";
import type { FeedSpec, SinkSpec } from "../../runtime/data/feed-spec.js";
import { fillerMisfit } from "../../runtime/random/filler-fit.js";
import { type BlobVersion, samePath, spanOf } from "../net-text/index.js";
import { blobs, times, topsOf } from "./arity.js";
import { type Fail, nameOf, placeOfName } from "./layer-mistakes.js";
import { createParamTable, type ParamTable } from "./layer-params.js";
import {
  type FeedContext,
  type LayerContext,
  type LayerType,
  type RangeCheck,
  settingsOf,
} from "./record.js";

/** How lowering says that it was given no shapes for a data layer. */
export const NOT_OPENED = "its data source could not be opened";

/** The graph's name for the count of steps so far, which `random` reads: an input of shape []. */
export const STEP = "#step";

/** The graph's name for the value that the caller, or a data layer, gives to a blob. */
export const inputName = (blob: string): string => `blob:${blob}`;

/** Caffe counts a blob's elements in an int. */
const MOST_ELEMENTS = 2 ** 31 - 1;

/** By layer, not by its name: several may have one. */
export type FeedShapes = ReadonlyMap<LayerParameter, readonly Shape[]>;

export interface LowerOptions {
  readonly phase: Phase;
  /** Other shapes for blobs of Input layers. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** The shapes of each data layer's tops. Those that fillers make need not be here. */
  readonly feedShapes: FeedShapes;
  /** How many rows values have picked, in the order of `LoweredNet.rowCounts`; where not given, all. */
  readonly rows?: readonly number[];
  readonly diagnostics: Diagnostics;
  /** Layer types beside Cortado's own. */
  readonly types?: readonly LayerType[];
}

/** A blob by name: its shape and its first value (before any layer works in place) and last. */
export interface LoweredBlob {
  readonly shape: Shape;
  readonly first: Node;
  readonly last: Node;
}

/** A number of rows that depends on values. */
export interface RowCount {
  /** How many there are, when the net runs; of shape []. */
  readonly node: Node;
  /** How many the graph is made for. */
  readonly rows: number;
  /** The layer that counts, for people. */
  readonly layer: string;
  readonly span?: Span;
}

/** A constant that a layer reads from a binary BlobProto file. */
export interface BlobFile {
  /** The graph's name for it: an input of this shape. */
  readonly input: string;
  readonly shape: Shape;
  readonly source: string;
  /** What it is to the user, and the layer it is for. */
  readonly what: string;
  readonly layer: string;
  readonly span?: Span;
}

/** A data layer and where its tops' values come from. */
export interface LayerFeed {
  readonly layer: LayerParameter;
  readonly spec: FeedSpec;
}

/** Values that a layer writes at each forward, and where to. */
export interface LayerSink {
  readonly layer: LayerParameter;
  readonly spec: SinkSpec;
  readonly nodes: readonly Node[];
}

/** What grows while the layers of a net are lowered. */
export interface State {
  readonly builder: GraphBuilder;
  readonly options: LowerOptions;
  readonly forceBackward: boolean;
  readonly values: Map<BlobVersion, Node>;
  readonly blobs: Map<string, LoweredBlob>;
  readonly inputs: Map<string, Shape>;
  readonly feeds: LayerFeed[];
  readonly sinks: LayerSink[];
  readonly files: BlobFile[];
  readonly rowCounts: RowCount[];
  readonly params: ParamTable;
  /** States by parameter index: their value so far, which a second layer that shares one goes on from. */
  readonly states: Map<number, { readonly node: Node; readonly changed: boolean }>;
  readonly checks: (RangeCheck & { readonly span?: Span })[];
  /** How many random streams are given out. */
  streams: number;
}

export function createState(builder: GraphBuilder, net: NetParameter, options: LowerOptions): State {
  return {
    builder,
    options,
    forceBackward: net.force_backward,
    values: new Map(),
    blobs: new Map(),
    inputs: new Map(),
    feeds: [],
    sinks: [],
    files: [],
    rowCounts: [],
    params: createParamTable(builder, net.force_backward),
    states: new Map(),
    checks: [],
    streams: 0,
  };
}

export interface OwnParam {
  readonly index: number;
  readonly shape: Shape;
  readonly learns: boolean;
}

/** Runs one layer's definition. */
export function lowerLayer(
  layer: LayerParameter,
  type: LayerType,
  bottoms: readonly (Node | undefined)[],
  fail: Fail,
  state: State,
): { readonly tops: readonly Node[]; readonly params: OwnParam[] } {
  const { builder, options } = state;
  const params: OwnParam[] = [];
  let carried = 0;
  const givenShape = (top: number): Shape | undefined => {
    const { shapes } = options;
    return shapes && Object.hasOwn(shapes, layer.top[top]) ? shapes[layer.top[top]] : undefined;
  };
  const input = (top: number, shape: Shape): Node => {
    checkExtents(shape, quoted(layer.top[top]), (message) => fail(message, "shape", { index: top }));
    state.inputs.set(layer.top[top], shape);
    return builder.input(inputName(layer.top[top]), shape);
  };
  const addParam = (
    request: Pick<Parameters<ParamTable["add"]>[0], "position" | "shape" | "kind" | "filler" | "value">,
  ) => {
    checkExtents(request.shape, `parameter ${request.position}`, fail);
    if (request.filler) checkFit(request.filler, request.shape, fail);
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
      const passes = layer.propagate_down[i] ?? true;
      const forced = state.forceBackward && (type.forceBackward?.(i) ?? true);
      return passes || forced ? node : builder.stop(node);
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
    carry(shape) {
      checkExtents(shape, "what it carries", fail);
      const { index, node } = state.params.carry(layer, carried++, shape);
      return {
        value: builder.stop(node),
        next: (value) => void state.states.set(index, { node: value, changed: true }),
      };
    },
    random: (shape) => builder.random(builder.input(STEP, []), state.streams++, shape),
    givenShape,
    input(top, shape) {
      const blob = layer.top[top];
      const given = givenShape(top) ?? shape;
      if (!given)
        fail(`blob ${quoted(blob)} has no shape: give it here, or to compile as shapes`, "top", {
          in: layer,
          index: top,
        });
      return input(top, given);
    },
    blobFile(source, shape, what, field) {
      const file = { input: `file:${state.files.length}`, shape, source, what, layer: nameOf(layer) };
      const settings = type.parameter && layer[type.parameter];
      state.files.push({ ...file, span: (settings && spanOf(settings, field)) ?? placeOfName(layer) });
      return builder.input(file.input, shape);
    },
    write(spec) {
      const other = state.sinks.find((known) => samePath(known.spec.path, spec.path));
      if (other) fail(`${nameOf(other.layer)} writes the file ${quotedPath(spec.path)} as well`, "file_name");
      state.sinks.push({ layer, spec, nodes: bottoms.filter(isNode) });
    },
    countNonzero(vector) {
      const size = sizeOf(vector.shape);
      const rows = Math.min(options.rows?.[state.rowCounts.length] ?? size, size);
      const counted = select("ne", arg(0), constant(0), constant(1), constant(0));
      const node = builder.reduce(
        "sum",
        builder.map(counted, [builder.stop(vector)], vector.shape),
        [0],
        true,
      );
      state.rowCounts.push({ node, rows, layer: nameOf(layer), span: placeOfName(layer) });
      return rows;
    },
    check(check) {
      const { node, min, max, except } = check;
      const same = state.checks.some(
        (known) => known.node === node && known.min === min && known.max === max && known.except === except,
      );
      if (same) return;
      const message = `${nameOf(layer)}: ${check.message}`;
      state.checks.push({ ...check, message, span: placeOfName(layer) });
    },
  };
  let tops: readonly Node[];
  if (type.feed) {
    const spec = type.feed(feed);
    if (spec.kind === "filler") for (const { filler, shape } of spec.tops) checkFit(filler, shape, fail);
    state.feeds.push({ layer, spec });
    const shapes =
      options.feedShapes.get(layer) ??
      (spec.kind === "filler" ? spec.tops.map(({ shape }) => shape) : fail(NOT_OPENED));
    tops = layer.top.map((_, top) =>
      input(top, shapes[top] ?? fail(`its data source gives no value for top ${top + 1}`)),
    );
  } else {
    tops = type.lower?.(context) ?? [];
  }
  for (const [top, { shape }] of tops.entries()) checkExtents(shape, quoted(layer.top[top] ?? ""), fail, 0);
  if (layer.param.length > params.length)
    fail(
      `param is given ${times(layer.param.length)}, and the layer has ${blobs(params.length, "parameter")}`,
      "param",
      { in: layer, index: params.length },
    );
  return { tops, params };
}

/** A shape that no blob can have: extents that are not counts, or too many elements. */
function checkExtents(shape: Shape, what: string, fail: Fail, least = 1): void {
  const bad = shape.find((extent) => !Number.isInteger(extent) || extent < least);
  if (bad !== undefined) fail(`${what} would have the shape ${showShape(shape)}: ${bad} is no extent`);
  if (sizeOf(shape) > MOST_ELEMENTS)
    fail(`${what} would have the shape ${showShape(shape)}: more than ${MOST_ELEMENTS} values`);
}

/** Refuses a filler that cannot fill a blob of this shape. */
export function checkFit(filler: FillerParameter, shape: Shape, fail: Fail): void {
  const [problem] = fillerMisfit(filler, shape)?.diagnostics ?? [];
  if (problem) fail(problem.message, "type", { in: filler, hint: problem.hint });
}

export function feedContext(layer: LayerParameter, type: LayerType, phase: Phase, fail: Fail): FeedContext {
  return {
    layer,
    phase,
    topCount: topsOf(layer, type),
    parameter: settingsOf(layer, type),
    fail,
  } as FeedContext;
}

export const isNode = (node: Node | undefined): node is Node => node !== undefined;
