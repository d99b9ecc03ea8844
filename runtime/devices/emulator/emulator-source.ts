import { InternalError } from "../../../proto/errors/index.js";

/** A kernel as codegen renders it for CUDA; `symbol` is the name of the function that `source` defines. */
export interface EmulatedKernel {
  readonly symbol: string;
  readonly source: string;
}

/** Whether threads of a kernel wait for each other: they then need stacks of their own. */
const WAITS = /\b__(syncthreads|shfl_\w+)\s*\(/;

/**
 * One C++ translation unit of a program's kernels for the emulator's `cortado.h`, with the entry of a host module
 * (native/emulator/README.md). Kernel `i` of the module is `kernels[i]`. Each source keeps its own line numbers, under
 * the name of its symbol, and has a namespace of its own, so that helpers of two kernels never meet.
 */
export function emulatorSource(kernels: readonly EmulatedKernel[]): string {
  const parts = kernels.map(({ symbol, source }, i) => {
    if (!/^[A-Za-z_]\w*$/.test(symbol)) throw new InternalError(`"${symbol}" is not the name of a kernel`);
    return `namespace k${i} {\n#line 1 "${symbol}"\n${source}\n}\n`;
  });
  const cases = kernels.map(({ symbol, source }, i) => {
    const launch = `cortado_emulator::launch<k${i}::${symbol}, ${WAITS.test(source)}>`;
    return `    case ${i}: return ${launch}("${symbol}", k${i}::bound, args, count, blocks, threads);\n`;
  });
  return `#include "cortado.h"
${parts.join("")}#line 1 "cortado_run"
extern "C" CORTADO_EXPORT const char* cortado_run(uint32_t kernel, const Argument* args, uint32_t count, uint32_t blocks,
                                                  uint32_t threads) {
  switch (kernel) {
${cases.join("")}    default: return cortado_emulator::unknown(kernel);
  }
}
`;
}
