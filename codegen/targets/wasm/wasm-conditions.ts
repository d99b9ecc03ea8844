import { sub } from "../../kernel/indices.js";
import type { Condition } from "../../kernel/kernel.js";
import type { Op } from "./instructions.js";
import { firstLanes, get, type Instruction, plain, set } from "./wasm-code.js";
import { type Expressions, kept, type Mask, type Piece, type WasmContext } from "./wasm-context.js";
import { comparison } from "./wasm-reals.js";

const INTEGERS = { lt: "lt_s", ge: "ge_s", eq: "eq" } as const;

/** Conditions, as i32, and the masks that those make which vary: vectors of −1 where they hold. */
export function conditionCode(
  context: WasmContext,
  expressions: Expressions,
): Pick<Expressions, "condition" | "masked" | "others"> {
  const { shapes } = context;
  const condition = (x: Condition, mask?: Mask): Piece => {
    switch (x.kind) {
      case "compare": {
        const varies = shapes.index(sub(x.a, x.b)) !== 0;
        const [a, b] = varies
          ? [expressions.wholes(x.a, mask), expressions.wholes(x.b, mask)]
          : [expressions.whole(x.a), expressions.whole(x.b)];
        const op = `${varies ? "i32x4" : "i32"}.${INTEGERS[x.cmp]}` as Op;
        return { code: plain(op, a, b), varies };
      }
      case "compareValue":
        return comparison(context, x.cmp, expressions.real(x.a, mask), expressions.real(x.b, mask));
      case "and": {
        const parts = x.all.map((part) => condition(part, mask));
        const varies = parts.some((part) => part.varies);
        const codes = parts.map((part) => (varies ? maskOf(part) : part.code));
        return { code: codes.reduce((a, b) => plain(varies ? "v128.and" : "i32.and", a, b)), varies };
      }
      default:
        return x satisfies never;
    }
  };
  /** All lanes or none, where one answer is for all. */
  const maskOf = ({ code, varies }: Piece): Instruction =>
    varies ? code : plain("i32x4.splat", plain("i32.sub", { kind: "const", type: "i32", value: 0 }, code));

  const inLocal = (code: Instruction): Instruction => {
    const name = context.local("v128");
    context.write(set(name, code));
    return get(name, "v128");
  };
  const masked = (x: Condition, mask: Mask | undefined): Mask => {
    const count = shapes.prefix(x);
    if (count !== undefined && (!mask || mask.count !== undefined)) {
      const least = Math.min(count, mask?.count ?? count);
      return { code: firstLanes(least), count: least };
    }
    const own = maskOf(condition(x, mask));
    return { code: inLocal(mask ? plain("v128.and", own, mask.code) : own) };
  };
  const others = (of: Mask, outer: Mask | undefined): Mask => {
    const not = plain("v128.not", kept(context, of.code, "v128"));
    return { code: inLocal(outer ? plain("v128.and", not, outer.code) : not) };
  };
  return { condition, masked, others };
}
