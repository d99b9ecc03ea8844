import type {
  Initializer,
  OnnxAttribute,
  OnnxGraph,
  OnnxNode,
  Value,
} from "../../codegen/onnx/onnx-graph.js";
import type {
  AttributeProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from "../../proto/generated/onnx.js";
import { encodePlain, type Plain } from "../../proto/index.js";
import { bytesOfText, littleEndianBytes } from "../../proto/words/text-bytes.js";
import { onnxNames } from "./onnx-names.js";

/** An extent, or a name for one that is known when the model runs. */
export type Extent = number | string;

/** All that a file says beside its graph. */
export interface ModelFacts {
  readonly name: string;
  readonly version: string;
  readonly opset: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** The type of a layer, by its name in the graph. */
  readonly typeOf: (layer: string) => string | undefined;
  /** What constants come to that are not numbers yet. */
  readonly dataOf: (initializer: Initializer) => Float32Array | BigInt64Array;
  readonly extentsOf: (value: Value) => readonly Extent[];
}

/** The version of the format that came with a version of the operators. */
const formatFor = (opset: number): number =>
  ({ 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9 })[opset] ?? 10;

/** Versions of ONNX's operators that can be written, and the usual one: what runtimes of the last years read. */
export const OPSETS = { least: 13, greatest: 21, usual: 17 } as const;

/** A graph as the bytes of a file. */
export function encodeModel(graph: OnnxGraph, facts: ModelFacts): Uint8Array {
  const names = onnxNames(graph);
  const info = (value: Value): Plain<ValueInfoProto> => ({
    name: names.of(value),
    type: {
      tensor_type: {
        elem_type: ELEMENTS[value.type],
        shape: {
          dim: facts
            .extentsOf(value)
            .map((extent) => (typeof extent === "number" ? { dim_value: extent } : { dim_param: extent })),
        },
      },
    },
  });
  const tensor = (initializer: Initializer): Plain<TensorProto> => {
    const data = facts.dataOf(initializer);
    return {
      name: names.of(initializer.value),
      dims: initializer.value.shape,
      data_type: ELEMENTS[initializer.value.type],
      raw_data: bytesOf(data),
    };
  };
  const node = (one: OnnxNode): Plain<NodeProto> => {
    const type = facts.typeOf(one.layer);
    return {
      input: one.inputs.map((value) => (value ? names.of(value) : "")),
      output: one.outputs.map(names.of),
      name: names.ofNode(one),
      op_type: one.op,
      attribute: Object.entries(one.attributes).map(([name, value]) => ({ name, ...attribute(value) })),
      ...(type !== undefined && { doc_string: type }),
    };
  };
  const ends = new Set([...graph.inputs, ...graph.outputs].map(({ value }) => value));
  const between = graph.nodes.flatMap(({ outputs }) =>
    outputs.filter((value) => value.wanted !== undefined && !ends.has(value)),
  );
  const model: Plain<ModelProto> = {
    ir_version: formatFor(facts.opset),
    producer_name: "cortado",
    producer_version: facts.version,
    opset_import: [{ domain: "", version: facts.opset }],
    metadata_props: Object.entries(facts.metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: facts.name,
      node: graph.nodes.map(node),
      initializer: graph.initializers.map(tensor),
      input: graph.inputs.map(({ value }) => info(value)),
      output: graph.outputs.map(({ value }) => info(value)),
      value_info: between.map(info),
    },
  };
  return encodePlain("ModelProto", model);
}

const ELEMENTS = { float: "FLOAT", int64: "INT64", bool: "BOOL" } as const;

function bytesOf(data: Float32Array | BigInt64Array): Uint8Array {
  if (data instanceof Float32Array) return littleEndianBytes(data);
  const bytes = new DataView(new ArrayBuffer(8 * data.length));
  for (const [i, value] of data.entries()) bytes.setBigInt64(8 * i, value, true);
  return new Uint8Array(bytes.buffer);
}

function attribute(value: OnnxAttribute): Plain<AttributeProto> {
  if (typeof value === "number") return { type: "INT", i: value };
  if (typeof value === "string") return { type: "STRING", s: bytesOfText(value) };
  if ("float" in value) return { type: "FLOAT", f: value.float };
  return { type: "INTS", ints: value };
}
