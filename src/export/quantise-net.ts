import { type Graph, type Node, sizeOf } from "../../codegen/ir/graph.js";
import { numbersOfRange } from "../../codegen/onnx/quantisation.js";
import { quantiseProducts } from "../../codegen/onnx/quantise-products.js";
import { type Products, productsIn } from "../../codegen/onnx/weighted-products.js";
import { userError } from "../../proto/errors/index.js";
import { present } from "../../proto/errors/present.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted, quotedLayer } from "../../proto/words/names.js";
import { joinValues } from "../../runtime/copy-values.js";
import { topK } from "../../runtime/top-k.js";
import { inputName, type LoweredNet } from "../layers/lower-net.js";
import { distance } from "../net/blob-differences.js";
import { threadsFor } from "../net/threads.js";
import type { CalibrationData } from "./calibration-data.js";
import type { Int8Options } from "./export-options.js";
import { fileGraph, outputNodes, type Quantisation, quantisedGraph } from "./file-graph.js";
import { type GraphSource, type LoadedGraph, loadGraph } from "./run-graph.js";
import { findRange, type RangeFinder, type ValueRange } from "./value-ranges.js";

/** What becomes of a layer, and what it costs. */
export interface Int8Layer {
  readonly name: string;
  /** Its name told apart from those of other layers. */
  readonly key: string;
  readonly type: string;
  /** The relative L2 distance of the net's outputs, of the worst of them, with this layer alone in 8 bits. */
  readonly relative: number;
  /** Whether it is in 8 bits. */
  readonly int8: boolean;
}

/** An output in 8 bits beside the same in float. */
export interface Int8Output {
  readonly name: string;
  /** The relative L2 distance of all its numbers. */
  readonly relative: number;
  /** Of a single number its mean over the batches, in float and in 8 bits. */
  readonly means?: readonly [float: number, int8: number];
  /** Of an output that tells classes apart, where the data has labels: how many of a hundred images it puts first right. */
  readonly top1?: readonly [float: number, int8: number];
}

/** What quantising a net came to. */
export interface Int8Report {
  /** Images whose values gave the ranges, and as many others by which outputs were compared. */
  readonly images: number;
  readonly layers: readonly Int8Layer[];
  readonly outputs: readonly Int8Output[];
  /** Of what products read (`conv1 0 in`: of layer `conv1` the first) and make (`conv1 0 out`), as it was in float. */
  readonly ranges: Readonly<Record<string, ValueRange>>;
}

/** What a report says of how the file is written. */
export const quantisationOf = ({ layers, ranges }: Int8Report): Quantisation => ({
  layers: new Set(layers.flatMap(({ key, int8 }) => (int8 ? [key] : []))),
  ranges: new Map(Object.entries(ranges)),
});

export type QuantiseSettings = Required<Pick<Int8Options, "images" | "percentile" | "tolerance">> &
  Pick<Int8Options, "progress">;

/** Images on which each layer is measured: enough to tell a layer that loses a hundred times as much as others. */
const FEW_IMAGES = 16;

/**
 * Measures the ranges of what a net's products read and make, then what each layer loses in 8 bits, and chooses those that lose
 * little; last what the net loses with these, on other images.
 *
 * @throws CortadoError where the data does not fit the net, or no layer can be in 8 bits
 */
export async function quantiseNet(
  source: GraphSource,
  keep: readonly string[],
  data: CalibrationData,
  { images, percentile, tolerance, progress }: QuantiseSettings,
): Promise<Int8Report> {
  const { lowered } = source;
  const { graph, outputs: places } = fileGraph(lowered, keep, { kind: "forward" }, { fold: true });
  const products = productsIn(graph, lowered.builder, new Set(places.keys()));
  if (products.all.length === 0)
    throw userError("the net has no convolution and no InnerProduct with weights: nothing could be int8");
  const outputs = outputNodes(graph, places);
  const ends = measuredNodes(products, [...outputs.values()]);
  const float = await load([...products.values.values(), ...outputs.values(), ...ends], source);
  try {
    const feed = createFeed(lowered, float, data);
    const count = Math.ceil(images / feed.batch);
    const measuring: Measuring = { products, float, feed, count, progress };
    const ranges = await measureRanges(measuring, ends, percentile, lowered);
    const losses = await measureLayers(measuring, ends, ranges, source);
    const layers = new Set(products.layers.filter((_, i) => losses[i] <= tolerance));
    if (layers.size === 0)
      throw userError(
        `every layer moves the outputs by more than ${tolerance} in 8 bits, the least of them by ${Math.min(...losses).toExponential(1)} (relative L2)`,
        "tolerance says how much may be lost; on the command line --tolerance",
      );
    const chosen: Quantisation = { layers, ranges: ranges.byKey };
    return {
      images: count * feed.batch,
      layers: products.layers.map((key, i) => ({
        ...namesOf(lowered, key),
        key,
        relative: losses[i],
        int8: layers.has(key),
      })),
      outputs: await compareOutputs(measuring, outputs, chosen, source),
      ranges: Object.fromEntries(ranges.byKey),
    };
  } finally {
    await float.close();
  }
}

const load = (nodes: readonly Node[], source: GraphSource): Promise<LoadedGraph> =>
  loadGraph(nodes, source, threadsFor());

function namesOf({ layers }: LoweredNet, origin: string): Pick<Int8Layer, "name" | "type"> {
  const { name, type } = present(
    layers.find((layer) => layer.origin === origin),
    "a product's layer",
  );
  return { name, type };
}

/**
 * What tells how much is lost: outputs of several numbers; where there are none, as of a loss or of an accuracy, which would say
 * too little, what the last product makes.
 */
function measuredNodes({ all }: Products, outputs: readonly Node[]): readonly Node[] {
  const several = outputs.filter(({ shape }) => sizeOf(shape) > 1);
  const last = present(all.at(-1), "a product");
  return several.length > 0 ? several : [last.biased ?? last.node];
}

type Batch = ReadonlyMap<string, Float32Array>;

interface Feed {
  readonly batch: number;
  /** The next batch, by the names of inputs, and the labels beside it. */
  next(): Promise<{ readonly inputs: Batch; readonly labels: Float32Array | undefined }>;
}

/** @throws CortadoError where an input has no data, or data of another shape */
function createFeed(lowered: LoweredNet, { inputs }: LoadedGraph, data: CalibrationData): Feed {
  const wanted = [...lowered.inputs].filter(([blob]) => inputs.has(inputName(blob)));
  for (const [blob, shape] of wanted) {
    const row = data.rows.get(blob);
    if (!row)
      throw userError(
        `the data for int8 has no blob ${quoted(blob)}, which the net reads`,
        `it has ${[...data.rows.keys()].map(quoted).join(", ")}: tops of its data layers must be named as the net's inputs`,
      );
    if (row.join() !== shape.slice(1).join())
      throw userError(
        `the data for int8 has rows of ${showShape(row)} in blob ${quoted(blob)}, and the net takes ${showShape(shape.slice(1))}`,
      );
  }
  const batch = wanted[0]?.[1][0] ?? 1;
  const labels = [...data.rows].find(
    ([blob, row]) => sizeOf(row) === 1 && !wanted.some(([name]) => name === blob),
  )?.[0];
  return {
    batch,
    async next() {
      const rows = await data.next(batch);
      return {
        inputs: new Map(wanted.map(([blob]) => [inputName(blob), present(rows.get(blob), "rows")])),
        labels: labels === undefined ? undefined : rows.get(labels),
      };
    },
  };
}

/** Ranges of values, and the batches on which layers are measured with what they come to in float. */
interface Ranges {
  readonly byKey: ReadonlyMap<string, ValueRange>;
  readonly few: readonly { readonly inputs: Batch; readonly values: readonly Float32Array[] }[];
}

interface Measuring {
  readonly products: Products;
  readonly float: LoadedGraph;
  readonly feed: Feed;
  /** Batches. */
  readonly count: number;
  readonly progress: Int8Options["progress"];
}

/** @throws CortadoError where a value is NaN or infinite */
async function measureRanges(
  { products, float, feed, count, progress }: Measuring,
  ends: readonly Node[],
  percentile: number,
  lowered: LoweredNet,
): Promise<Ranges> {
  const finders = new Map<Node, RangeFinder>(
    [...products.values.values()].map((node) => [node, findRange(percentile)] as const),
  );
  const few: { readonly inputs: Batch; readonly values: readonly Float32Array[] }[] = [];
  for (let i = 0; i < count; i++) {
    progress?.({ doing: "measuring ranges", done: i * feed.batch, total: count * feed.batch });
    const { inputs } = await feed.next();
    await float.run(inputs);
    for (const [node, finder] of finders) {
      finder.add(await float.read(node));
      if (!finder.finite) {
        const { name, type } = namesOf(lowered, node.origin);
        throw userError(
          `${quotedLayer(name, type)} has values that are NaN or infinite on the data for int8: they have no range`,
        );
      }
    }
    if (i * feed.batch < FEW_IMAGES) few.push({ inputs, values: await readAll(float, ends) });
  }
  const byKey = new Map(
    [...products.values].map(([key, node]) => [key, present(finders.get(node), "a range").range()] as const),
  );
  return { byKey, few };
}

async function readAll(loaded: LoadedGraph, nodes: readonly Node[]): Promise<readonly Float32Array[]> {
  const values: Float32Array[] = [];
  for (const node of nodes) values.push(await loaded.read(node));
  return values;
}

/** The graph's input for levels and switches: so that every layer can be measured by one program. */
const LEVELS_INPUT = "int8";

/** What is lost with each layer alone in 8 bits. */
async function measureLayers(
  { products, progress }: Measuring,
  ends: readonly Node[],
  { byKey, few }: Ranges,
  source: GraphSource,
): Promise<readonly number[]> {
  const { builder: b, layers } = products;
  const numbers = [...byKey.values()].flatMap((range) => Object.values(numbersOfRange(range)));
  const places = new Map([...byKey.keys()].map((key, i) => [key, 3 * i] as const));
  const given = b.input(LEVELS_INPUT, [numbers.length + layers.length]);
  const numberAt = (place: number): Node => b.slice(given, 0, place, 1);
  const switched = quantiseProducts(graphOf(ends), products, {
    has: () => true,
    levelsOf(key) {
      const place = present(places.get(key), "the place of a value's levels");
      return { scale: numberAt(place), least: numberAt(place + 1), greatest: numberAt(place + 2) };
    },
    switchOf: (layer) => numberAt(numbers.length + layers.indexOf(layer)),
  });
  const made = switched.roots.map(({ node }) => node);
  const loaded = await load(made, source);
  try {
    const losses: number[] = [];
    for (const [done, layer] of layers.entries()) {
      progress?.({ doing: "measuring layers", done, total: layers.length });
      const levels = Float32Array.from([...numbers, ...layers.map((one) => (one === layer ? 1 : 0))]);
      const found = made.map((): Float32Array[] => []);
      for (const { inputs } of few) {
        await loaded.run(new Map([...inputs, [LEVELS_INPUT, levels]]));
        for (const [i, values] of (await readAll(loaded, made)).entries()) found[i].push(values);
      }
      losses.push(
        Math.max(
          ...found.map((values, i) =>
            relative(
              few.map((one) => one.values[i]),
              values,
            ),
          ),
        ),
      );
    }
    return losses;
  } finally {
    await loaded.close();
  }
}

const graphOf = (nodes: readonly Node[]): Graph => ({
  roots: nodes.map((node, i) => ({ role: "value", blob: String(i), node })),
});

/** The relative L2 distance of what several batches came to. */
const relative = (one: readonly Float32Array[], other: readonly Float32Array[]): number =>
  distance(joinValues(one), joinValues(other), 0).relative;

/** Outputs of the net in float and as it is chosen, on batches of their own. */
async function compareOutputs(
  { products, float, feed, count, progress }: Measuring,
  outputs: ReadonlyMap<string, Node>,
  int8: Quantisation,
  source: GraphSource,
): Promise<readonly Int8Output[]> {
  const nodes = [...outputs.values()];
  const graph = quantisedGraph(graphOf(nodes), products, int8);
  const made = graph.roots.map(({ node }) => node);
  const loaded = await load(made, source);
  try {
    const [before, after] = [nodes, nodes].map((all) => all.map((): Float32Array[] => []));
    const labels: Float32Array[] = [];
    for (let i = 0; i < count; i++) {
      progress?.({ doing: "comparing outputs", done: i * feed.batch, total: count * feed.batch });
      const batch = await feed.next();
      await float.run(batch.inputs);
      await loaded.run(batch.inputs);
      if (batch.labels) labels.push(batch.labels);
      for (const [at, values] of (await readAll(float, nodes)).entries()) before[at].push(values);
      for (const [at, values] of (await readAll(loaded, made)).entries()) after[at].push(values);
    }
    const given = labels.length > 0 ? joinValues(labels) : undefined;
    return [...outputs.keys()].map((name, i) => {
      const both = [joinValues(before[i]), joinValues(after[i])] as const;
      const isSingle = sizeOf(nodes[i].shape) === 1;
      const isOwn =
        source.lowered.outputs.includes(name) && nodes[i].shape.slice(1).filter((x) => x > 1).length === 1;
      const right = isOwn && given && both.map((values) => percentRight(values, given));
      return {
        name,
        relative: relative(before[i], after[i]),
        ...(isSingle && { means: [mean(both[0]), mean(both[1])] as const }),
        ...(right &&
          right[0] !== undefined &&
          right[1] !== undefined && { top1: [right[0], right[1]] as const }),
      };
    });
  } finally {
    await loaded.close();
  }
}

const mean = (values: Float32Array): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** How many of a hundred rows have their greatest number at the label's place; undefined where these are no rows of classes. */
function percentRight(values: Float32Array, labels: Float32Array): number | undefined {
  const classes = values.length / labels.length;
  if (!Number.isInteger(classes) || classes < 2) return undefined;
  if (!labels.every((label) => Number.isInteger(label) && label >= 0 && label < classes)) return undefined;
  const right = labels.filter((label, row) => {
    const [best] = topK(values.subarray(row * classes, (row + 1) * classes), { k: 1 });
    return best.index === label;
  }).length;
  return (100 * right) / labels.length;
}
