import type { RealType } from "../../ir/real.js";
import { kernelComment } from "../../kernel/dialect.js";
import type { Kernel, ScratchBuffer } from "../../kernel/kernel.js";
import { scratchLayout } from "../../lanes/own-memory.js";
import type { SourceUnit } from "../target.js";
import { statementRenderer } from "./native-statements.js";

/** The kernel as C++: a function over a range of its parallel loop. The same kernel, the same text, byte for byte. */
export function renderNative(kernel: Kernel, number: number, dtype: RealType): SourceUnit {
  const real = dtype === "float32" ? "float" : "double";
  const renderer = statementRenderer(kernel, real);
  const symbol = `k${number}`;
  const element = (type: ScratchBuffer["type"]): string => (type === "index" ? "int" : real);
  const { offsets } = scratchLayout(kernel, dtype === "float32" ? 4 : 8);

  const p = renderer.declareInteger(kernel.parallel.variable);
  const head = [
    ...(kernel.team
      ? [`typedef VectorOf<${real}, ${kernel.team.threads}>::V V;`, "typedef Lanes<V>::Int I;"]
      : []),
    ...kernel.buffers.map(({ dtype: type, access }, i) => {
      const own = type === "index" ? "int" : real;
      return access === "read"
        ? `const ${own}* const b${i} = (const ${own}*)memory[${i}];`
        : `${own}* const b${i} = (${own}*)memory[${i}];`;
    }),
    ...kernel.scratch.map(({ type }, i) => {
      const own = element(type);
      return `${own}* const s${i} = (${own}*)(scratch + ${offsets[i]});`;
    }),
  ].map((line) => `  ${line}`);
  renderer.write(kernel.prologue);
  const prologue = renderer.lines.length;
  renderer.write(kernel.body);
  const body = renderer.lines.slice(prologue).map((line) => `  ${line}`);
  const source = `${kernelComment(kernel)}
static void ${symbol}(void* const* memory, long from, long to, char* scratch) {
${[...head, ...renderer.lines.slice(0, prologue)].join("\n")}
  for (long ${p} = from; ${p} < to; ${p}++) {
${body.join("\n")}
  }
}
`;
  return { symbol, source };
}
