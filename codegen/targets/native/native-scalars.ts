import { atom, LEVEL, type Text } from "../../kernel/dialect.js";
import { scalarText } from "../../kernel/scalar-text.js";

/** A constant as C++ writes it, of the type that kernels compute in. */
export function realLiteral(value: number, real: "float" | "double"): Text {
  const rounded = real === "float" ? Math.fround(value) : value;
  const suffix = real === "float" ? "f" : "";
  if (Number.isNaN(rounded)) return atom(`__builtin_nan${suffix}("")`);
  if (Math.abs(rounded) === Infinity)
    return { text: `${rounded > 0 ? "" : "-"}__builtin_inf${suffix}()`, level: LEVEL.product };
  const text = Object.is(rounded, -0) ? "-0" : String(rounded);
  return {
    text: `${/[.e]/.test(text) ? text : `${text}.0`}${suffix}`,
    level: text.startsWith("-") ? LEVEL.product : LEVEL.atom,
  };
}

/** Whole numbers as reals of the operands' type: in C++ a choice between two of them takes the type of the condition's lanes. */
const withReals = (value: string): string => value.replace(/(?<![\w.])\d+(?![\w.])/g, "Real<V>($&)");

/** The scalar functions in C++: each as one text for reals and for vectors of them. */
export const NATIVE_SCALARS = scalarText({
  name: "lanes",
  library: (name) => `lanes_${name}`,
  define: (name, parameters, value) =>
    `template <class V> INLINE V ${name}(${parameters.map((x) => `V ${x}`).join(", ")}) {\n  return ${withReals(value)};\n}`,
});
