import { InternalError } from "../../../proto/errors/index.js";
import { boundsOf, sumOf, termsOf } from "../../kernel/indices.js";
import type { Index, Memory } from "../../kernel/kernel.js";
import { hasOwnMemory } from "../../lanes/own-memory.js";
import type { Op } from "./instructions.js";
import { ROOM_AHEAD } from "./module-interface.js";
import {
  addIntegers,
  atLane,
  choose,
  type Instruction,
  i32,
  integers,
  moved,
  multiplyIntegers,
  plain,
} from "./wasm-code.js";
import { type Expressions, kept, LANES, type Mask, type WasmContext } from "./wasm-context.js";
import { type Address, gather, loadVector } from "./wasm-memory.js";

/** Half of the room that memory has in front of all that lies in it. */
const MOST_OFFSET = ROOM_AHEAD / 2;

type Sum = Extract<Index, { readonly a: Index }>;

/** Operators of integers; a quotient is of numbers that are not negative. */
const SCALARS: Partial<Readonly<Record<Sum["kind"], Op>>> = {
  isub: "i32.sub",
  imul: "i32.mul",
  idiv: "i32.div_s",
  imod: "i32.rem_s",
};
const VECTORS: Partial<Readonly<Record<Sum["kind"], Op>>> = {
  iadd: "i32x4.add",
  isub: "i32x4.sub",
  imul: "i32x4.mul",
  imin: "i32x4.min_s",
  imax: "i32x4.max_s",
};

/** Integers in lane 0, and in all lanes as a vector. */
export function integerCode(
  context: WasmContext,
  expressions: Pick<Expressions, "real" | "vector">,
): Pick<Expressions, "whole" | "wholes"> & { readonly addressOf: AddressOf } {
  const { kernel, shapes } = context;

  const extreme = (kind: Sum["kind"], a: Instruction, b: Instruction): Instruction => {
    const [one, other] = [kept(context, a, "i32"), kept(context, b, "i32")];
    return choose(one, other, plain(kind === "imin" ? "i32.lt_s" : "i32.gt_s", one, other));
  };
  const combined = (x: Sum): Instruction => {
    const [a, b] = [whole(x.a), whole(x.b)];
    if (x.kind === "iadd") return addIntegers(a, b);
    if (x.kind === "imul" && b.kind === "const") return multiplyIntegers(a, b.value);
    const op = SCALARS[x.kind];
    return op ? plain(op, a, b) : extreme(x.kind, a, b);
  };
  const whole = (x: Index): Instruction => {
    switch (x.kind) {
      case "int":
        return i32(x.value);
      case "var":
        return x.variable === kernel.team?.variable ? i32(0) : context.variable(x.variable);
      case "iload": {
        const at = addressOf(x.buffer, x.at);
        return { kind: "memory", op: "i32.load", offset: at.offset, of: [at.base] };
      }
      case "truncate":
        return plain("i32.trunc_sat_f32_s", expressions.real(x.value).code);
      default:
        return combined(x);
    }
  };

  /**
   * What stands outside of most loops first: an engine computes as much of a sum as it can in front of the loop that does not
   * change it.
   */
  const addressOf: AddressOf = (buffer, at, bytes = 4) => {
    const { terms, constant } = termsOf(at);
    // Without the constant an element's number may be negative; its address is not, so close to what is there.
    const isOffset = constant >= 0 && (bytes * constant <= MOST_OFFSET || boundsOf(sumOf(terms, 0))[0] >= 0);
    const start = isOffset ? context.startOf(buffer) : moved(context.startOf(buffer), i32(constant), bytes);
    const base = terms.reduce((sum, { atom, factor }) => moved(sum, whole(atom), bytes * factor), start);
    return { base, offset: isOffset ? bytes * constant : 0 };
  };

  /** One after the other: there are no quotients of vectors. */
  const laneByLane = (op: Op, a: Instruction, b: Instruction): Instruction => {
    const [one, other] = [kept(context, a, "v128"), kept(context, b, "v128")];
    const of = (lane: number): Instruction =>
      plain(op, atLane("i32x4.extract_lane", lane, one), atLane("i32x4.extract_lane", lane, other));
    let all = plain("i32x4.splat", of(0));
    for (let lane = 1; lane < LANES; lane++) all = atLane("i32x4.replace_lane", lane, all, of(lane));
    return all;
  };
  const loaded = ({ buffer, at }: Index & { readonly kind: "iload" }, mask?: Mask): Instruction => {
    if (hasOwnMemory(kernel, buffer)) throw new InternalError("a table of integers for each lane");
    return shapes.index(at) === 1
      ? loadVector(context, addressOf(buffer, at), mask)
      : gather(context, context.startOf(buffer), wholes(at, mask), mask);
  };
  const wholes = (x: Index, mask?: Mask): Instruction => {
    const step = shapes.index(x);
    if (step === 0)
      return x.kind === "int" ? integers(Array(LANES).fill(x.value)) : plain("i32x4.splat", whole(x));
    if (step !== "varying") {
      const ramp = integers([0, 1, 2, 3].map((lane) => lane * step));
      const first = whole(x);
      return first.kind === "const" && first.value === 0
        ? ramp
        : plain("i32x4.add", plain("i32x4.splat", first), ramp);
    }
    switch (x.kind) {
      case "int":
        throw new InternalError("a constant that varies");
      case "var":
        return context.variable(x.variable);
      case "iload":
        return loaded(x, mask);
      case "truncate":
        return plain("i32x4.trunc_sat_f32x4_s", expressions.vector(expressions.real(x.value, mask)));
      default: {
        const [a, b] = [wholes(x.a, mask), wholes(x.b, mask)];
        const op = VECTORS[x.kind];
        return op ? plain(op, a, b) : laneByLane(SCALARS[x.kind] ?? "i32.div_s", a, b);
      }
    }
  };
  return { whole, wholes, addressOf };
}

/** Where an element of memory lies in lane 0. `bytes`: of an element, where that is no single number. */
export type AddressOf = (buffer: Memory, at: Index, bytes?: number) => Address;
