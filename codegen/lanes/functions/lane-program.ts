import { InternalError } from "../../../proto/errors/index.js";
import type { RealType } from "../../ir/real.js";

/**
 * A function of real numbers as straight-line operations on lanes: data, from which a target writes its text, and which an
 * interpreter evaluates without one. An operation acts on each lane alone and is exact or rounded once, to nearest even,
 * so that all that carry it out agree in every bit: vectors of any width, single numbers, any language.
 *
 * `real` is a float32 or float64, `int` an integer of as many bits that wraps round, `mask` the outcome of a comparison.
 */
export type LaneKind = "real" | "int" | "mask";

interface OperationShape {
  readonly of: readonly LaneKind[];
  readonly gives: LaneKind;
}

/** What each operation takes and gives. The second operand of a shift is the number of bits, a constant of the node. */
export const LANE_OPERATIONS = {
  add: { of: ["real", "real"], gives: "real" },
  sub: { of: ["real", "real"], gives: "real" },
  mul: { of: ["real", "real"], gives: "real" },
  div: { of: ["real", "real"], gives: "real" },
  /** a·b + c, rounded once. Only in programs for targets that have it. */
  fma: { of: ["real", "real", "real"], gives: "real" },
  neg: { of: ["real"], gives: "real" },
  abs: { of: ["real"], gives: "real" },
  sqrt: { of: ["real"], gives: "real" },
  /** a < b ? a : b: the second operand when one is NaN. */
  min: { of: ["real", "real"], gives: "real" },
  /** a > b ? a : b: the second operand when one is NaN. */
  max: { of: ["real", "real"], gives: "real" },
  less: { of: ["real", "real"], gives: "mask" },
  lessOrEqual: { of: ["real", "real"], gives: "mask" },
  equal: { of: ["real", "real"], gives: "mask" },
  notEqual: { of: ["real", "real"], gives: "mask" },
  both: { of: ["mask", "mask"], gives: "mask" },
  either: { of: ["mask", "mask"], gives: "mask" },
  select: { of: ["mask", "real", "real"], gives: "real" },
  bitsOf: { of: ["real"], gives: "int" },
  fromBits: { of: ["int"], gives: "real" },
  /** The real number nearest to a signed integer. */
  fromInt: { of: ["int"], gives: "real" },
  intEqual: { of: ["int", "int"], gives: "mask" },
  intSelect: { of: ["mask", "int", "int"], gives: "int" },
  intAdd: { of: ["int", "int"], gives: "int" },
  intSub: { of: ["int", "int"], gives: "int" },
  intMul: { of: ["int", "int"], gives: "int" },
  /** The high half of the product of two unsigned integers. */
  mulHigh: { of: ["int", "int"], gives: "int" },
  and: { of: ["int", "int"], gives: "int" },
  or: { of: ["int", "int"], gives: "int" },
  xor: { of: ["int", "int"], gives: "int" },
  shiftLeft: { of: ["int"], gives: "int" },
  /** Zeros come in from above. */
  shiftRight: { of: ["int"], gives: "int" },
  /** The sign comes in from above. */
  shiftSigned: { of: ["int"], gives: "int" },
} satisfies Readonly<Record<string, OperationShape>>;

export type LaneOperation = keyof typeof LANE_OPERATIONS;

/** A value of a program: a parameter, a constant, or an operation on earlier values (their positions). */
export type LaneNode =
  | { readonly op: "parameter"; readonly kind: "real" | "int"; readonly index: number }
  | { readonly op: "real"; readonly kind: "real"; readonly value: number }
  | { readonly op: "int"; readonly kind: "int"; readonly value: bigint }
  | {
      readonly op: LaneOperation;
      readonly kind: LaneKind;
      readonly of: readonly number[];
      /** Bits of a shift. */
      readonly bits?: number;
    };

export interface LaneProgram {
  readonly dtype: RealType;
  /** Each reads earlier ones only; where there is one value, the last is it. */
  readonly nodes: readonly LaneNode[];
  /** Which of them are values. */
  readonly results: readonly number[];
}

/** How the lanes' numbers are made. */
export interface LaneFormat {
  readonly bits: 32 | 64;
  /** Bits of the fraction. */
  readonly fraction: number;
  /** What the exponent's bits say for 1. */
  readonly bias: number;
}

export const LANE_FORMATS: Readonly<Record<RealType, LaneFormat>> = {
  float32: { bits: 32, fraction: 23, bias: 127 },
  float64: { bits: 64, fraction: 52, bias: 1023 },
};

/** Whether the target has a fused multiply-add. */
export interface LaneChoices {
  readonly fused: boolean;
}

/** A value while its program is written; K keeps reals, integers and masks apart. */
export interface Lane<K extends LaneKind> {
  readonly kind: K;
  readonly at: number;
}
export type RealLane = Lane<"real">;
export type IntLane = Lane<"int">;
export type MaskLane = Lane<"mask">;

const roundTo = (dtype: RealType, value: number): number =>
  dtype === "float32" ? Math.fround(value) : value;

/** Collects the nodes of one program; equal ones once. */
export class NodeList {
  readonly nodes: LaneNode[] = [];
  readonly #positions = new Map<string, number>();

  constructor(readonly dtype: RealType) {}

  /** The position of a node equal to this one. */
  position(node: LaneNode): number {
    const key = JSON.stringify(node, (_, part: unknown) =>
      typeof part === "bigint"
        ? `${part}n`
        : Object.is(part, -0)
          ? "-0"
          : typeof part === "number"
            ? String(part)
            : part,
    );
    const known = this.#positions.get(key);
    if (known !== undefined) return known;
    this.nodes.push(node);
    this.#positions.set(key, this.nodes.length - 1);
    return this.nodes.length - 1;
  }

  parameter<K extends "real" | "int">(kind: K, index: number): Lane<K> {
    return { kind, at: this.position({ op: "parameter", kind, index }) };
  }

  real(value: number): RealLane {
    return {
      kind: "real",
      at: this.position({ op: "real", kind: "real", value: roundTo(this.dtype, value) }),
    };
  }

  int(value: bigint): IntLane {
    const { bits } = LANE_FORMATS[this.dtype];
    return { kind: "int", at: this.position({ op: "int", kind: "int", value: BigInt.asUintN(bits, value) }) };
  }

  operation<O extends LaneOperation>(
    op: O,
    of: readonly Lane<LaneKind>[],
    bits?: number,
  ): Lane<(typeof LANE_OPERATIONS)[O]["gives"]> {
    const shape: OperationShape = LANE_OPERATIONS[op];
    if (of.length !== shape.of.length || of.some(({ kind }, i) => kind !== shape.of[i]))
      throw new InternalError(`${op} takes ${shape.of.join(", ")}`);
    const positions = of.map(({ at }) => at);
    const node: LaneNode = { op, kind: shape.gives, of: positions, ...(bits === undefined ? {} : { bits }) };
    return { kind: LANE_OPERATIONS[op].gives, at: this.position(node) };
  }

  /** The program whose values are these, without what it does not need. */
  program(...values: readonly Lane<LaneKind>[]): LaneProgram {
    const needed = new Set(values.map(({ at }) => at));
    for (let at = Math.max(...needed); at >= 0; at--) {
      const node = this.nodes[at];
      if (needed.has(at) && "of" in node) for (const operand of node.of) needed.add(operand);
    }
    const kept = [...needed].sort((a, b) => a - b);
    const moved = new Map(kept.map((at, i) => [at, i]));
    const nodes = kept.map((at): LaneNode => {
      const node = this.nodes[at];
      return "of" in node ? { ...node, of: node.of.map((operand) => moved.get(operand) ?? 0) } : node;
    });
    return { dtype: this.dtype, nodes, results: values.map(({ at }) => moved.get(at) ?? 0) };
  }
}
