import type { GraphBuilder } from "../ir/builder.js";
import { type Node, type Shape, sizeOf } from "../ir/graph.js";
import type {
  ConstantNumbers,
  ElementType,
  Initializer,
  Obstacle,
  OnnxAttribute,
  OnnxGraph,
  OnnxNode,
  Value,
} from "./onnx-graph.js";

const LEVEL_TYPES = { uint8: Uint8Array, int8: Int8Array, int32: Int32Array } as const;
/** What whole numbers are that values are rounded to. */
export type LevelType = keyof typeof LEVEL_TYPES;

/** What nodes are written with. */
export interface GraphWriter {
  /** Of the graph that is written: what a recognised operator reads may be a node that was not there. */
  readonly builder: GraphBuilder;
  readonly opset: number;
  /** Whether several read a value, or the caller does: what takes long is then not computed anew by those who could. */
  isShared(node: Node): boolean;
  /** Whether a value depends on parameters and constants alone: it is a constant of the file. */
  isSteady(node: Node): boolean;
  /** Adds a node with one output. @param type default: float */
  add(
    op: string,
    inputs: readonly (Value | undefined)[],
    shape: Shape,
    attributes?: Readonly<Record<string, OnnxAttribute>>,
    type?: ElementType,
  ): Value;
  /** Adds a node with several outputs, by their types and shapes. */
  addSeveral(
    op: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly (readonly [type: ElementType, shape: Shape])[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): readonly Value[];
  /** Numbers as a constant; the same ones are one constant. */
  floats(data: Float32Array, shape: Shape): Value;
  scalar(value: number): Value;
  /** Whole numbers along one axis, or one without axes. */
  integers(values: readonly number[] | number): Value;
  /** Zeros of a type that values are rounded to, or one other number. */
  level(value: number, type: LevelType, shape: Shape): Value;
  /** A value that a parameter, or what depends on parameters alone, gives. @param type default: float */
  computed(node: Node, wanted?: string, type?: ElementType): Value;
  /** Notes that a layer cannot be said, and gives a value to go on with. */
  fail(reason: string, shape: Shape, type?: ElementType): Value;
}

/** A writer, and what has become of its graph. */
export interface GraphDraft extends GraphWriter {
  /** The layer that what is added belongs to. */
  layer: string;
  readonly obstacles: readonly Obstacle[];
  input(name: string, shape: Shape, type: ElementType): Value;
  /** An input that has a value where nobody gives it one. */
  inputWithValue(name: string, node: Node): Value;
  output(name: string, value: Value): void;
  finish(): OnnxGraph;
}

const typeOfNumbers = (data: ConstantNumbers): ElementType => {
  if (data instanceof Float32Array) return "float";
  if (data instanceof Uint8Array) return "uint8";
  if (data instanceof Int8Array) return "int8";
  return data instanceof Int32Array ? "int32" : "int64";
};

const keyOf = (data: ConstantNumbers, shape: Shape): string =>
  `${typeOfNumbers(data)}[${shape}]${new BigUint64Array(padded(data))}`;

/** The bits of numbers, so that −0 and 0 are two constants. */
function padded(data: ConstantNumbers): ArrayBuffer {
  const bytes = new Uint8Array(Math.ceil(data.byteLength / 8) * 8);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return bytes.buffer;
}

/** Elements up to which constants are compared: longer ones are few. */
const COMPARED = 4096;

/** @param of what a writer knows of the graph that it writes */
export function createGraphDraft(
  of: Pick<GraphWriter, "builder" | "opset" | "isShared" | "isSteady">,
): GraphDraft {
  const nodes: OnnxNode[] = [];
  const initializers: Initializer[] = [];
  const inputs: { readonly name: string; readonly value: Value }[] = [];
  const outputs: { readonly name: string; readonly value: Value }[] = [];
  const obstacles: Obstacle[] = [];
  const constants = new Map<string, Value>();
  /** Values that are no node's: an output of the graph cannot be one. */
  const given = new Set<Value>();

  const constant = (data: ConstantNumbers, shape: Shape): Value => {
    const key = data.length <= COMPARED ? keyOf(data, shape) : undefined;
    const known = key === undefined ? undefined : constants.get(key);
    if (known) return known;
    const value: Value = {
      type: typeOfNumbers(data),
      shape,
      layer: draft.layer,
    };
    initializers.push({ value, data });
    given.add(value);
    if (key !== undefined) constants.set(key, value);
    return value;
  };

  const draft: GraphDraft = {
    ...of,
    layer: "",
    obstacles,
    add: (op, read, shape, attributes = {}, type = "float") =>
      draft.addSeveral(op, read, [[type, shape]], attributes)[0],
    addSeveral(op, read, made, attributes = {}) {
      const { layer } = draft;
      const values = made.map(([type, shape]): Value => ({ type, shape, layer }));
      nodes.push({ op, inputs: read, outputs: values, attributes, layer });
      return values;
    },
    floats: (data, shape) => constant(data, shape),
    scalar: (value) => constant(Float32Array.of(value), []),
    integers: (values) =>
      typeof values === "number"
        ? constant(BigInt64Array.of(BigInt(values)), [])
        : constant(BigInt64Array.from(values, BigInt), [values.length]),
    level: (value, type, shape) => constant(new LEVEL_TYPES[type](sizeOf(shape)).fill(value), shape),
    fail(reason, shape, type = "float") {
      const { layer } = draft;
      if (!obstacles.some((one) => one.layer === layer && one.reason === reason))
        obstacles.push({ layer, reason });
      return { type, shape, layer };
    },
    computed(node, wanted, type = "float") {
      const value: Value = { type, shape: node.shape, layer: node.origin, wanted };
      initializers.push({ value, data: { node } });
      given.add(value);
      return value;
    },
    input(name, shape, type) {
      const value: Value = { type, shape, layer: "", wanted: name };
      inputs.push({ name, value });
      given.add(value);
      return value;
    },
    inputWithValue(name, node) {
      const value = draft.input(name, node.shape, "float");
      initializers.push({ value, data: { node } });
      return value;
    },
    output(name, value) {
      const taken = given.has(value) || outputs.some((one) => one.value === value);
      const own = taken ? draft.add("Identity", [value], value.shape, {}, value.type) : value;
      own.wanted = name;
      outputs.push({ name, value: own });
    },
    finish: () => ({ nodes, initializers, inputs, outputs }),
  };
  return draft;
}

/** The version of the operators from which on values can be added at positions. */
const ADDING_AT_POSITIONS = 16;

/** Values added at positions: an operator of newer versions. */
export function addAt(
  writer: GraphWriter,
  op: "ScatterElements" | "ScatterND",
  inputs: readonly Value[],
  shape: Shape,
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
): Value {
  if (writer.opset < ADDING_AT_POSITIONS)
    return writer.fail(`it adds at positions, which takes opset ${ADDING_AT_POSITIONS}`, shape);
  return writer.add(op, inputs, shape, { ...attributes, reduction: "add" });
}

/** A constant of so many equal numbers: kept short where a shape would make it long. */
export function filled(writer: GraphWriter, value: number, shape: Shape): Value {
  if (sizeOf(shape) <= 64) return writer.floats(new Float32Array(sizeOf(shape)).fill(value), shape);
  return writer.add("Expand", [writer.scalar(value), writer.integers(shape)], shape);
}
