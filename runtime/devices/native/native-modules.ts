import { InternalError, userError } from "../../../proto/errors/index.js";
import { type Cache, openCache } from "../../cache.js";
import { eachInParallel } from "../each-in-parallel.js";
import { type HostCompiler, requireCompiler } from "../host/host-compiler.js";
import { buildSharedObject, KERNEL_OPTIONS } from "../host/shared-object.js";

/** A kernel as codegen renders it for the processor: `source` defines the function `symbol`. */
export interface NativeKernel {
  readonly symbol: string;
  readonly source: string;
  /** What it computes, for people: operation and shapes. */
  readonly note: string;
}

/** A shared object of native kernels (native/README.md): kernel `i` of it is `kernels[i]` of those that were asked for. */
export interface BuiltModule {
  readonly path: string;
  readonly kernels: readonly number[];
}

export interface NativeModuleOptions {
  /** Default: what is found. */
  readonly compiler?: HostCompiler;
  /** Default: the user's. */
  readonly cache?: Cache;
  /** The compiler's options for processors. Default: this machine's own. */
  readonly processor?: readonly string[];
}

/**
 * Kernels come with their loops blocked, unrolled and in vectors: what optimizes further makes the inner loops no shorter, and
 * takes half of the time. Without traps nobody sees in which order faults of arithmetic happened; values are the same. Kernels
 * need nothing of the standard libraries that the process has not loaded, and without them linking takes a third of the time.
 */
const FLAGS: readonly string[] = [
  ...KERNEL_OPTIONS,
  "-O1",
  "-falign-loops",
  "-fno-trapping-math",
  "-nostdlib",
  "-w",
];
/** What costs time and gains nothing here, and what GCC alone knows. */
const GCC_FLAGS: readonly string[] = ["-fno-tree-bit-ccp", "-fno-use-linker-plugin"];

export const flagsFor = ({ version }: HostCompiler): readonly string[] =>
  /clang|zig/i.test(version) ? FLAGS : [...FLAGS, ...GCC_FLAGS];

/**
 * Characters of kernels that are compiled together, at most on average. Each unit takes 50 ms beside its kernels, for starting
 * the compiler and the linker and for the preamble; larger units are fewer to share among the cores.
 */
const UNIT = 40_000;
/** Units come in multiples of so many, since most machines have as many cores, or twice or half that. */
const TOGETHER = 4;

/**
 * Compiles kernels with the system's C++ compiler, a few in a unit, or finds units compiled. All at once, as far as there
 * are cores.
 *
 * @param preamble what stands in front of the kernels in each unit
 * @throws a user error where there is no C++ compiler, or one is needed though CORTADO_NO_COMPILE is 1; an internal one
 *   where a kernel does not compile
 */
export async function buildNativeModules(
  kernels: readonly NativeKernel[],
  preamble: string,
  { compiler: given, cache: kept, processor }: NativeModuleOptions = {},
): Promise<readonly BuiltModule[]> {
  if (kernels.length === 0) return [];
  const compiler = given ?? (await requireCompiler('target "native"'));
  const cache = kept ?? (await openCache());
  const units = unitsOf(kernels);
  const modules: BuiltModule[] = [];
  await eachInParallel(units, async (unit) => {
    const some = unit.map((number) => kernels[number]);
    const path = await buildSharedObject(
      { source: unitSource(some, preamble), flags: flagsFor(compiler), processor },
      {
        ...{ compiler, cache },
        fault: (log) => faultOf(some, compiler, log),
        beforeCompiling: () => refuseToCompile(some),
      },
    );
    modules.push({ path, kernels: unit });
  });
  // In an order that does not tell which was ready first.
  return modules.toSorted((a, b) => a.kernels[0] - b.kernels[0]);
}

/** Kernels by their numbers, in units of about the same size, since size is time. */
function unitsOf(kernels: readonly NativeKernel[]): readonly (readonly number[])[] {
  const total = kernels.reduce((sum, { source }) => sum + source.length, 0);
  const count = Math.min(kernels.length, Math.ceil(total / UNIT / TOGETHER) * TOGETHER);
  const units = Array.from({ length: count }, () => ({ numbers: [] as number[], size: 0 }));
  const sizes = kernels.map(({ source }, number) => ({ number, size: source.length }));
  // The largest first, each to the unit that has least.
  for (const { number, size } of sizes.toSorted((a, b) => b.size - a.size)) {
    const least = units.reduce((a, b) => (b.size < a.size ? b : a));
    least.numbers.push(number);
    least.size += size;
  }
  return units.toSorted((a, b) => b.size - a.size).map(({ numbers }) => numbers);
}

/** One translation unit; each kernel keeps its own line numbers, under the name of its symbol. */
export function unitSource(kernels: readonly NativeKernel[], preamble: string): string {
  const texts = kernels.map(({ symbol, source }) => {
    if (!/^[A-Za-z_]\w*$/.test(symbol)) throw new InternalError(`"${symbol}" is not the name of a kernel`);
    return `#line 1 "${symbol}"\n${source}\n`;
  });
  return `#line 1 "preamble"
${preamble}
${texts.join("")}#line 1 "cortado_kernels"
extern "C" __attribute__((visibility("default"))) const struct {
  long count;
  void (*kernels[${kernels.length}])(void* const*, long, long, char*);
} cortado_kernels = {${kernels.length}, {${kernels.map(({ symbol }) => symbol).join(", ")}}};
`;
}

function refuseToCompile([{ symbol, note }]: readonly NativeKernel[]): void {
  if (process.env["CORTADO_NO_COMPILE"] === "1")
    throw userError(`kernel ${symbol} (${note}) would have to be compiled, and CORTADO_NO_COMPILE is set`);
}

/** A kernel that does not compile is our mistake: the first that the log names. */
function faultOf(kernels: readonly NativeKernel[], { path }: HostCompiler, log: string): InternalError {
  const symbol = /^(\w+):\d+:\d+: (?:fatal )?error:/m.exec(log)?.[1];
  const kernel = kernels.length === 1 ? kernels[0] : kernels.find((one) => one.symbol === symbol);
  const named = (one: NativeKernel): string => `${one.symbol} (${one.note})`;
  const what = kernel
    ? `kernel ${named(kernel)} does`
    : `one of the kernels ${kernels.map(named).join(", ")} does`;
  return new InternalError(`${what} not compile with ${path}:\n${log}`);
}
