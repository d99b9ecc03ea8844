import type { Node, Shape } from "../ir/graph.js";

/** What a value's elements are. Positions are int64, as ONNX's operators give and take them. */
export type ElementType = "float" | "float16" | "uint8" | "int8" | "int32" | "int64" | "bool";

/** A value: what a node makes, or what is given to the graph. Its name is chosen when all values are known. */
export interface Value {
  readonly type: ElementType;
  readonly shape: Shape;
  /** The layer that asked for it. */
  readonly layer: string;
  /** The name that people look for: a blob's, or a parameter's. */
  wanted?: string;
}

/** A number that is a float in ONNX also where it is whole. */
export interface FloatAttribute {
  readonly float: number;
}

/** A type of elements, which a file has as a number. */
export interface TypeAttribute {
  readonly type: ElementType;
}

/** A constant of a node: a whole number, several, a text, a float, or a type. */
export type OnnxAttribute = number | readonly number[] | string | FloatAttribute | TypeAttribute;

/** An operator applied to values. An input that is not given is undefined. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  readonly layer: string;
}

/** What a constant of the graph holds: numbers, or what a node that depends on parameters alone comes to. */
export type ConstantData = ConstantNumbers | { readonly node: Node };
export type ConstantNumbers = Float32Array | BigInt64Array | Uint8Array | Int8Array | Int32Array;

/** A constant of the graph. */
export interface Initializer {
  readonly value: Value;
  readonly data: ConstantData;
}

/** A graph as ONNX has it: each node after those whose values it reads. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly { readonly name: string; readonly value: Value }[];
  readonly outputs: readonly { readonly name: string; readonly value: Value }[];
}

/** Why something of a layer cannot be said in ONNX. */
export interface Obstacle {
  readonly layer: string;
  readonly reason: string;
}
