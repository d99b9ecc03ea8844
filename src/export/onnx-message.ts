import type {
  Initializer,
  OnnxAttribute,
  OnnxGraph,
  OnnxNode,
  Value,
} from "../../codegen/onnx/onnx-graph.js";
import { present } from "../../proto/errors/present.js";
import type {
  AttributeProto,
  ModelProto,
  NodeProto,
  TensorProto,
  TensorProto_DataType,
  ValueInfoProto,
} from "../../proto/generated/onnx.js";
import { encodePlain, fieldInfo, messageInfo, type Plain } from "../../proto/index.js";
import { bytesOfText, littleEndianBytes } from "../../proto/words/text-bytes.js";
import type { ConstantValues } from "./half-constants.js";
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
  readonly dataOf: ConstantValues;
  readonly extentsOf: (value: Value) => readonly Extent[];
}

/** The version of the format that came with a version of the operators. */
const formatFor = (opset: number): number =>
  ({ 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9 })[opset] ?? 10;

/** Versions of ONNX's operators that can be written, and the usual one: what runtimes of the last years read. */
export const OPSETS = { least: 13, greatest: 21, usual: 17 } as const;

/** A file, and the one beside it that holds its constants where they do not lie in it. */
export interface EncodedModel {
  readonly bytes: Uint8Array;
  /** Pieces of it, one after the other. */
  readonly beside?: readonly Uint8Array[];
}

/** Bytes from which on a constant lies in the file beside, where there is one. */
const WORTH_IT = 1024;
/** Constants begin at lines of the cache, so that readers can map them. */
const LINE = 64;

/** The bytes of a file's constants, or where they lie in the file beside it. */
function placeConstants(beside: string | undefined) {
  const pieces: Uint8Array[] = [];
  let offset = 0;
  return {
    pieces,
    place(bytes: Uint8Array): Plain<TensorProto> {
      if (beside === undefined || bytes.length < WORTH_IT) return { raw_data: bytes };
      const padding = (LINE - (offset % LINE)) % LINE;
      pieces.push(new Uint8Array(padding), bytes);
      const at = offset + padding;
      offset = at + bytes.length;
      const facts = { location: beside, offset: String(at), length: String(bytes.length) };
      return {
        external_data: Object.entries(facts).map(([key, value]) => ({ key, value })),
        data_location: "EXTERNAL",
      };
    },
  };
}

/** A graph as a file. @param beside the name of the file for its constants; default: they lie in it */
export function encodeModel(graph: OnnxGraph, facts: ModelFacts, beside?: string): EncodedModel {
  const constants = placeConstants(beside);
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
      ...constants.place(littleEndianBytes(data)),
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
  const bytes = encodePlain("ModelProto", model);
  return beside === undefined ? { bytes } : { bytes, beside: constants.pieces };
}

const ELEMENTS = {
  float: "FLOAT",
  float16: "FLOAT16",
  uint8: "UINT8",
  int8: "INT8",
  int32: "INT32",
  int64: "INT64",
  bool: "BOOL",
} as const;

/** The number that the schema has for a type. */
function numberOf(type: TensorProto_DataType): number {
  const { kind } = fieldInfo(messageInfo("TensorProto"), "data_type");
  return present(kind.is === "enum" ? kind.byName.get(type) : undefined, "a type's number");
}

function attribute(value: OnnxAttribute): Plain<AttributeProto> {
  if (typeof value === "number") return { type: "INT", i: value };
  if (typeof value === "string") return { type: "STRING", s: bytesOfText(value) };
  if ("type" in value) return { type: "INT", i: numberOf(ELEMENTS[value.type]) };
  if ("float" in value) return { type: "FLOAT", f: value.float };
  return { type: "INTS", ints: value };
}
