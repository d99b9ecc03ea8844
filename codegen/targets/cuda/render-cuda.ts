import {
  atom,
  bodyRenderer,
  call,
  type Dialect,
  type Helper,
  kernelComment,
  LEVEL,
  type Text,
  within,
} from "../../kernel/dialect.js";
import { fitsInt32 } from "../../kernel/index-width.js";
import type { Kernel } from "../../kernel/kernel.js";
import { launchShape } from "../../kernel/launch.js";
import { scalarText } from "../../kernel/scalar-text.js";
import type { SourceUnit } from "../target.js";
import { UNIFORM } from "./cuda-random.js";

function literal(value: number): Text {
  const rounded = Math.fround(value);
  if (Number.isNaN(rounded)) return atom("__int_as_float(0x7fc00000)");
  if (Math.abs(rounded) === Infinity)
    return atom(`__int_as_float(${rounded > 0 ? "0x7f800000" : "0xff800000"})`);
  const text = Object.is(rounded, -0) ? "-0" : String(rounded);
  return {
    text: `${/[.e]/.test(text) ? text : `${text}.0`}f`,
    level: text.startsWith("-") ? LEVEL.product : LEVEL.atom,
  };
}

const unsigned = (value: number): Text => atom(`${value >>> 0}u`);
const words = (value: number): readonly Text[] => [
  unsigned(value % 2 ** 32),
  unsigned(Math.floor(value / 2 ** 32)),
];
const cast = (type: string, x: Text): Text => atom(`static_cast<${type}>(${x.text})`);

/** Whole numbers as floats. */
const withFloats = (value: string): string => value.replace(/(?<![\w.])\d+(?![\w.])/g, "$&.0f");
const SCALARS = scalarText({
  name: "cuda",
  library: (name) => `${name}f`,
  define: (name, parameters, value) =>
    `HELPER float ${name}(${parameters.map((x) => `float ${x}`).join(", ")}) {\n  return ${withFloats(value)};\n}`,
});
const HELPERS = { ...SCALARS.helpers, uniform: UNIFORM };

/** CUDA C++: float, and integers as wide as the kernel's indices need. */
const cudaDialect = (integer: "int" | "long long"): Dialect => ({
  ...SCALARS,
  random: "uniform",
  literal,
  quotient: (a, b) => ({
    text: `${within(a, LEVEL.product)} / ${within(b, LEVEL.atom)}`,
    level: LEVEL.product,
  }),
  extreme: (kind, a, b) =>
    call(
      kind === "imin" ? "min" : "max",
      ...(integer === "int" ? [a, b] : [cast(integer, a), cast(integer, b)]),
    ),
  truncate: (value) => cast("int", value),
  fromIndex: (index) => cast("float", index),
  randomArguments: (seed, stream, step, element) => [
    ...words(seed),
    ...words(stream),
    step,
    integer === "int" ? element : cast("unsigned", element),
  ],
  fma: (a, b, c) => call("fmaf", a, b, c),
  exchange: (value, lanes) => call("__shfl_xor_sync", atom("0xffffffffu"), value, atom(String(lanes))),
  integer: (_index, text) => text,
  declaration: (type, mutable) => `${mutable ? "" : "const "}${type === "real" ? "float" : integer}`,
  loop: (v, from, to, step, unrolled) => [
    ...(unrolled ? ["UNROLL"] : []),
    `for (${integer} ${v} = ${from}; ${v} < ${to}; ${step === 1 ? `${v}++` : `${v} += ${step}`}) {`,
  ],
  barrier: "__syncthreads();",
});

/** The kernel as CUDA C++: the same kernel, the same text, byte for byte. */
export function renderCuda(kernel: Kernel): SourceUnit {
  const { blocks, threads } = launchShape(kernel);
  const integer = fitsInt32(kernel, threads) ? "int" : "long long";
  const used = new Set<Helper>();
  const { lines, declare, write } = bodyRenderer(cudaDialect(integer), used);
  // The operation's name in front, so that a profiler's list can be read; never text of a prototxt.
  const symbol = `${/^[A-Za-z]\w*/.exec(kernel.note)?.[0] ?? "anonymous"}_kernel`;
  const element = (type: "accumulator" | "index"): string => (type === "index" ? "int" : "float");

  kernel.scratch.forEach(({ type, elements, team }, slot) => {
    lines.push(
      team
        ? `  SHARED(${element(type)}, s${slot}, ${elements});`
        : `  ${element(type)} s${slot}[${elements}];`,
    );
  });
  const p = declare(kernel.parallel.variable, "index");
  const block = integer === "int" ? "blockIdx.x" : "static_cast<long long>(blockIdx.x)";
  if (kernel.team) {
    lines.push(`  const ${integer} ${p} = blockIdx.x;`);
    lines.push(`  const ${integer} ${declare(kernel.team.variable, "index")} = threadIdx.x;`);
  } else {
    lines.push(`  const ${integer} ${p} = ${block} * ${threads} + threadIdx.x;`);
    if (kernel.parallel.extent !== blocks * threads)
      lines.push(`  if (${p} >= ${kernel.parallel.extent}) return;`);
  }
  write(kernel.prologue, "  ");
  write(kernel.body, "  ");

  const parameters = kernel.buffers.map(
    ({ dtype, access }, i) =>
      `Global<${access === "read" ? "const " : ""}${dtype === "index" ? "int" : "float"}> b${i}`,
  );
  const helpers = Object.entries(HELPERS)
    .filter(([name]) => used.has(name))
    .map(([, text]) => `${text}\n\n`);
  const source = `#include "cortado.h"

${helpers.join("")}${kernelComment(kernel)}
KERNEL(${threads}) ${symbol}(${parameters.join(", ")}) {
${lines.join("\n")}
}
`;
  return { symbol, source };
}

/** A program's kernels as one text for people, in order of their numbers. */
export const cudaListing = (sources: readonly SourceUnit[]): string =>
  sources.map(({ source }, number) => `// Kernel ${number}\n${source}`).join("\n");
