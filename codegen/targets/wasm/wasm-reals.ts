import { InternalError } from "../../../proto/errors/index.js";
import type { CompareOp } from "../../ir/scalar.js";
import type { Value } from "../../kernel/kernel.js";
import { visitLoads } from "../../kernel/visit-forms.js";
import { hasOwnMemory } from "../../lanes/own-memory.js";
import type { Op } from "./instructions.js";
import {
  anyLane,
  atLane,
  atMemory,
  choose,
  either,
  f32,
  type Instruction,
  integers,
  plain,
  shuffle,
  typeOf,
} from "./wasm-code.js";
import {
  type Expressions,
  kept,
  LANES,
  type Mask,
  type Piece,
  vector,
  type WasmContext,
} from "./wasm-context.js";
import { applyFunction, uniform } from "./wasm-functions.js";
import type { AddressOf } from "./wasm-integers.js";
import { gather, loadApart, loadVector } from "./wasm-memory.js";

const op = (varies: boolean, name: string): Op => `${varies ? "f32x4" : "f32"}.${name}` as Op;

export function comparison(context: WasmContext, cmp: CompareOp, a: Piece, b: Piece): Piece {
  const varies = a.varies || b.varies;
  const [left, right] = varies ? [vector(context, a), vector(context, b)] : [a.code, b.code];
  return { code: plain(op(varies, cmp), left, right), varies };
}

type Case<K extends Value["kind"]> = Extract<Value, { readonly kind: K }>;

/** Reals, as one number where all lanes have the same. */
export function realCode(
  context: WasmContext,
  expressions: Expressions & { readonly addressOf: AddressOf },
): Pick<Expressions, "real" | "vector"> {
  const { kernel, shapes } = context;
  const lanesOf = (piece: Piece): Instruction => vector(context, piece);
  const varying = (code: Instruction): Piece => ({ code, varies: true });
  const same = (code: Instruction): Piece => ({ code, varies: false });

  const load = ({ buffer, at }: Case<"load">, mask?: Mask): Piece => {
    const step = shapes.index(at);
    if (hasOwnMemory(kernel, buffer)) {
      if (step !== 0) throw new InternalError("memory of a lane's own, at an index of its own");
      const { base, offset } = expressions.addressOf(buffer, at, 4 * LANES);
      return varying(atMemory("v128.load", { offset }, base));
    }
    if (step === "varying")
      return varying(gather(context, context.startOf(buffer), expressions.wholes(at, mask), mask));
    const address = expressions.addressOf(buffer, at);
    if (step !== 0)
      return varying(
        step === 1 ? loadVector(context, address, mask) : loadApart(context, address, step, mask),
      );
    const plainLoad = atMemory("f32.load", { offset: address.offset }, address.base);
    if (!mask || mask.count !== undefined) return same(plainLoad);
    return same(either(anyLane(mask.code), [plainLoad], [f32(0)]));
  };

  const fused = (x: Case<"fma">, mask?: Mask): Piece => {
    const parts = [x.a, x.b, x.c].map((part) => real(part, mask));
    // One number alone has no such instruction: where a vector has, all round alike.
    if (!context.fused || parts.some(({ varies }) => varies)) {
      const varies = parts.some((part) => part.varies);
      const [a, b, c] = varies ? parts.map(lanesOf) : parts.map(({ code }) => code);
      if (context.fused) return varying(plain("f32x4.relaxed_madd", a, b, c));
      return { code: plain(op(varies, "add"), plain(op(varies, "mul"), a, b), c), varies };
    }
    const [a, b, c] = parts.map(lanesOf);
    return same(atLane("f32x4.extract_lane", 0, plain("f32x4.relaxed_madd", a, b, c)));
  };

  const select = (x: Case<"select">, mask?: Mask): Piece => {
    const test = comparison(context, x.cmp, real(x.left, mask), real(x.right, mask));
    const [one, other] = [real(x.whenTrue, mask), real(x.otherwise, mask)];
    if (test.varies) return varying(plain("v128.bitselect", lanesOf(one), lanesOf(other), test.code));
    const varies = one.varies || other.varies;
    const [a, b] = varies ? [lanesOf(one), lanesOf(other)] : [one.code, other.code];
    return { code: choose(a, b, test.code), varies };
  };

  /** Only what is chosen touches memory. */
  const guard = (x: Case<"guard">, mask?: Mask): Piece => {
    if (shapes.varies(x.condition)) {
      const inside = expressions.masked(x.condition, mask);
      const whenTrue = lanesOf(real(x.whenTrue, inside));
      const otherwise = lanesOf(
        real(x.otherwise, hasLoads(x.otherwise) ? expressions.others(inside, mask) : mask),
      );
      return varying(plain("v128.bitselect", whenTrue, otherwise, inside.code));
    }
    const test = expressions.condition(x.condition, mask).code;
    const [one, other] = [x.whenTrue, x.otherwise].map((value) => branch(value, mask));
    const varies = one.piece.varies || other.piece.varies;
    const valued = ({ piece, before }: ReturnType<typeof branch>): readonly Instruction[] => [
      ...before,
      varies ? lanesOf(piece) : piece.code,
    ];
    return { code: either(test, valued(one), valued(other)), varies };
  };
  const branch = (value: Value, mask?: Mask): { piece: Piece; before: readonly Instruction[] } => {
    const made: Piece[] = [];
    const before = context.captured(() => void made.push(real(value, mask)));
    return { piece: made[0], before };
  };

  const random = ({ seed, stream, step, element }: Case<"random">, mask?: Mask): Piece => {
    const words = [seed, Math.floor(seed / 2 ** 32), stream, Math.floor(stream / 2 ** 32)];
    const varies = shapes.index(element) !== 0;
    const code = uniform(context, {
      words: words.map((word) => integers(Array(LANES).fill(word >>> 0))),
      step: plain("i32x4.trunc_sat_f32x4_s", lanesOf(real(step, mask))),
      element: varies ? expressions.wholes(element, mask) : plain("i32x4.splat", expressions.whole(element)),
    });
    return varies ? varying(code) : same(atLane("f32x4.extract_lane", 0, code));
  };

  const exchange = ({ lanes, value }: Case<"exchange">, mask?: Mask): Piece => {
    const all = kept(context, lanesOf(real(value, mask)), "v128");
    return varying(
      shuffle(
        [0, 1, 2, 3].map((lane) => lane ^ lanes),
        all,
        all,
      ),
    );
  };

  const real = (x: Value, mask?: Mask): Piece => {
    switch (x.kind) {
      case "const":
        return same(f32(Math.fround(x.value)));
      case "local": {
        const code = context.variable(x.variable);
        if (typeOf(code) !== "v128") return same(code);
        return shapes.variable(x.variable) !== 0
          ? varying(code)
          : { code: atLane("f32x4.extract_lane", 0, code), varies: false, splat: code };
      }
      case "load":
        return load(x, mask);
      case "fromIndex":
        return shapes.index(x.index) === 0
          ? same(plain("f32.convert_i32_s", expressions.whole(x.index)))
          : varying(plain("f32x4.convert_i32x4_s", expressions.wholes(x.index, mask)));
      case "unary":
        return applyFunction(context, x, [real(x.x, mask)]);
      case "shaped":
        return applyFunction(context, x, [real(x.x, mask), same(f32(Math.fround(x.alpha)))]);
      case "binary":
        return applyFunction(context, x, [real(x.a, mask), real(x.b, mask)]);
      case "fma":
        return fused(x, mask);
      case "exchange":
        return exchange(x, mask);
      case "select":
        return select(x, mask);
      case "guard":
        return guard(x, mask);
      case "random":
        return random(x, mask);
      default:
        return x satisfies never;
    }
  };
  return { real, vector: lanesOf };
}

function hasLoads(x: Value): boolean {
  let found = false;
  visitLoads(x, () => {
    found = true;
  });
  return found;
}
