import { InternalError } from "../../../proto/errors/index.js";
import { atom, call, infix, LEVEL, type Text, within } from "../../kernel/dialect.js";
import type { Index, Memory } from "../../kernel/kernel.js";
import { hasOwnMemory } from "../../lanes/own-memory.js";
import { memoryName } from "./native-memory.js";
import type { ExpressionContext, Expressions, Mask } from "./native-text.js";

type Sum = Extract<Index, { readonly a: Index }>;

/** Operators of integers and of vectors of them; the rest are functions of the preamble. */
const OPERATORS: Partial<Readonly<Record<Sum["kind"], readonly [text: string, level: number]>>> = {
  iadd: ["+", LEVEL.sum],
  isub: ["-", LEVEL.sum],
  imul: ["*", LEVEL.product],
  idiv: ["/", LEVEL.product],
  imod: ["%", LEVEL.product],
};

/** Integers in lane 0, and in all lanes as a vector. */
export function integerTexts(
  { kernel, shapes, nameOf }: ExpressionContext,
  expressions: Pick<Expressions, "real" | "vector">,
): Pick<Expressions, "whole" | "wholes" | "pointer"> {
  const combined = ({ kind }: Sum, type: "long" | "I", a: Text, b: Text): Text => {
    const operator = OPERATORS[kind];
    if (operator) return infix(...operator, a, b);
    return call(`${kind === "imin" ? "least" : "greatest"}<${type}>`, a, b);
  };

  const whole = (x: Index): Text => {
    switch (x.kind) {
      case "int":
        return { text: String(x.value), level: x.value < 0 ? LEVEL.or : LEVEL.atom };
      case "var":
        return x.variable === kernel.team?.variable ? atom("0") : atom(nameOf(x.variable));
      case "iload":
        return atom(`${memoryName(x.buffer)}[${whole(x.at).text}]`);
      case "truncate":
        return atom(`(long)(${expressions.real(x.value).text})`);
      default:
        return combined(x, "long", whole(x.a), whole(x.b));
    }
  };

  const pointer = (buffer: Memory, at: Index): string =>
    `${memoryName(buffer)} + ${within(whole(at), LEVEL.sum)}`;

  const loaded = ({ buffer, at }: Index & { readonly kind: "iload" }, mask?: Mask): Text => {
    if (hasOwnMemory(kernel, buffer)) throw new InternalError("a table of integers for each lane");
    const [where, only] = mask ? ["Where", `, ${mask.text}`] : ["", ""];
    if (shapes.index(at) === 1) return atom(`loadWholes${where}<V>(${pointer(buffer, at)}${only})`);
    return atom(`gatherWholes${where}<V>(${memoryName(buffer)}, ${wholes(at, mask).text}${only})`);
  };

  const wholes = (x: Index, mask?: Mask): Text => {
    const step = shapes.index(x);
    if (step === 0) return call("wholes<V>", whole(x));
    if (step !== "varying") return call("ramp<V>", whole(x), atom(String(step)));
    switch (x.kind) {
      case "int":
        throw new InternalError("a constant that varies");
      case "var":
        return atom(nameOf(x.variable));
      case "iload":
        return loaded(x, mask);
      case "truncate":
        return call("truncated<V>", expressions.vector(expressions.real(x.value, mask)));
      default:
        return combined(x, "I", wholes(x.a, mask), wholes(x.b, mask));
    }
  };
  return { whole, wholes, pointer };
}
