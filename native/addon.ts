import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform } from "node:process";
import { fileURLToPath } from "node:url";

/** Things the addon owns; freed by their `close` function, or at the latest when their thread of JavaScript ends. */
export type Nvrtc = { readonly __nvrtc: unique symbol };
export type Cuda = { readonly __cuda: unique symbol };
export type Context = { readonly __context: unique symbol };
export type Module = { readonly __module: unique symbol };
export type Graph = { readonly __graph: unique symbol };
export type HostModule = { readonly __host: unique symbol };
export type HostPlan = { readonly __hostPlan: unique symbol };
export type NativeModule = { readonly __native: unique symbol };
export type NativePlan = { readonly __nativePlan: unique symbol };

/** Memory a kernel of a host module may be given. */
export type HostMemory = Float32Array | Int32Array;

/** Memory a kernel of a native module may be given. */
export type NativeMemory = Float32Array | Float64Array | Int32Array;

/** Iterations from ≤ i < to of a kernel's parallel loop, handed out in pieces of about the same size. */
export interface NativeLaunch {
  readonly module: NativeModule;
  readonly kernel: number;
  readonly from: number;
  readonly to: number;
  /** 1: one thread does it all, and goes on to the next launch if that is one piece as well. */
  readonly pieces: number;
  readonly args: readonly NativeMemory[];
}

/** What kernels for this machine's processor can count on. */
export interface Processor {
  /** The widest vectors: of 64, 32 or 16 bytes. */
  readonly architecture: "avx512" | "avx2" | "sse" | "neon";
  readonly vectorBytes: number;
  /** Whether a product and a sum are one instruction. */
  readonly fma: boolean;
  /** Data caches; 0 where the system does not say. */
  readonly l1Bytes: number;
  readonly l2Bytes: number;
  readonly l3Bytes: number;
}

/** A device as the driver describes it. */
export interface DeviceProperties {
  readonly name: string;
  /** Compute capability. */
  readonly major: number;
  readonly minor: number;
  /** Bytes of global memory. */
  readonly memory: number;
  readonly multiprocessors: number;
  readonly sharedPerBlock: number;
  readonly sharedPerMultiprocessor: number;
  readonly registersPerMultiprocessor: number;
  readonly threadsPerMultiprocessor: number;
  readonly clockKilohertz: number;
  readonly memoryClockKilohertz: number;
  readonly memoryBusBits: number;
  readonly l2Bytes: number;
}

/** One kernel launch of a graph; every argument is a device address. */
export interface GraphLaunch {
  readonly module: Module;
  readonly symbol: string;
  readonly blocks: number;
  readonly threads: number;
  readonly args: BigUint64Array;
}

/** A copy inside a graph, device to device, after the launches before it. */
export interface GraphCopy {
  readonly from: bigint;
  readonly to: bigint;
  readonly bytes: number;
}

/**
 * What the native code offers: a thin layer over NVRTC, the CUDA driver and modules for the processor that makes no choices.
 * Every function throws (or rejects with) an Error whose message says what failed and why: the library's own name
 * of the error and its text. Promises are settled from worker threads; nothing here blocks the event loop for long
 * unless it says so.
 */
export interface Addon {
  /** Opens libnvrtc (dlopen). Majors 12 and 13. */
  nvrtcOpen(path: string): Nvrtc;
  nvrtcVersion(nvrtc: Nvrtc): readonly [major: number, minor: number];
  /** Compute capabilities it can compile for, e.g. [75, 80, 90, 120]. */
  nvrtcArchitectures(nvrtc: Nvrtc): readonly number[];
  /**
   * Compiles one source to a cubin on a worker thread; several may run at once. `headers` are pairs of name and text for
   * `#include`. A source that does not compile resolves without a cubin; `log` says why.
   */
  nvrtcCompile(
    nvrtc: Nvrtc,
    source: string,
    name: string,
    headers: readonly (readonly [name: string, text: string])[],
    options: readonly string[],
  ): Promise<{ readonly cubin?: Uint8Array; readonly log: string }>;

  /** Opens the driver (dlopen) and initialises it (cuInit). */
  cudaOpen(path: string): Cuda;
  /** E.g. 12040 for 12.4. */
  cudaDriverVersion(cuda: Cuda): number;
  cudaDevices(cuda: Cuda): readonly DeviceProperties[];
  /** Retains the device's primary context and makes a stream in it. */
  contextOpen(cuda: Cuda, device: number): Context;
  /** [free, total] bytes of global memory. */
  contextMemory(context: Context): readonly [free: number, total: number];
  /** Device memory, all zeros; 256-byte aligned. 0 bytes are allowed and give some address. */
  allocate(context: Context, bytes: number): bigint;
  /** Waits for the stream, then frees. */
  free(context: Context, address: bigint): void;
  moduleLoad(context: Context, cubin: Uint8Array): Module;
  /** A pass as one CUDA graph: the items run in this order, each after the one before it. */
  graphBuild(context: Context, items: readonly (GraphLaunch | GraphCopy)[]): Graph;
  /** Queues the graph; does not wait. */
  graphLaunch(graph: Graph): void;
  /** Runs the items one by one, each between two events: milliseconds of each. */
  profile(context: Context, items: readonly (GraphLaunch | GraphCopy)[]): Promise<Float64Array>;
  graphClose(graph: Graph): void;
  /** Queues a copy to the device: through pinned staging memory, so the caller's array may change at once. */
  copyIn(context: Context, to: bigint, data: Uint8Array): void;
  /** Waits for all that was queued, then resolves with a copy of device memory, brought through pinned memory. */
  copyOut(context: Context, from: bigint, bytes: number): Promise<Uint8Array>;
  /** Resolves when all that was queued has run; rejects with the fault of a kernel that failed. */
  synchronize(context: Context): Promise<void>;
  /** Frees everything of the context that is still there. Further calls with it throw. */
  contextClose(context: Context): void;

  /** Opens a shared object that `cortado_run` is in (see native/emulator/README.md). */
  hostOpen(path: string): HostModule;
  /** Binds launches to memory, which stays alive as long as the plan. */
  hostPlan(
    module: HostModule,
    launches: readonly {
      readonly kernel: number;
      readonly blocks: number;
      readonly threads: number;
      readonly args: readonly HostMemory[];
    }[],
  ): HostPlan;
  /** Runs a plan's launches in order on a worker thread; milliseconds of each. Rejects with what a launch reports. */
  hostRun(plan: HostPlan): Promise<Float64Array>;
  /** Unloads. Plans of it must not run any more. */
  hostClose(module: HostModule): void;

  /** Opens a shared object that exports `cortado_kernels`: how many kernels there are (`long`), then their addresses. */
  nativeOpen(path: string): NativeModule;
  /**
   * Binds launches to memory, which stays alive as long as the plan, as do the modules.
   *
   * @param scratchBytes memory of its own that each thread gives to a kernel
   * @param threads how many work at once at most
   */
  nativePlan(launches: readonly NativeLaunch[], scratchBytes: number, threads: number): NativePlan;
  /**
   * Runs a plan's launches in order, on a worker thread and on those of the pool; milliseconds of each. All plans of
   * the process share the pool and run one at a time, in no order: who wants one waits for the run before.
   */
  nativeRun(plan: NativePlan): Promise<Float64Array>;
  /** The same on the calling thread, which is held until it is done; undefined, and nothing run, where another plan runs. */
  nativeRunHere(plan: NativePlan): Float64Array | undefined;
  /** Unloads a module, once no plan needs it, or refuses further runs of a plan; one under way ends as ever. */
  nativeClose(handle: NativeModule | NativePlan): void;
  processor(): Processor;
  /** Where the memory of an array lies now. */
  addressOf(memory: Uint8Array): bigint;
  /** Asks for large pages under memory that was not touched yet; whether the system has heard it. */
  hugePages(memory: Uint8Array): boolean;
}

/** The addon, or why it is not there. */
export type Opened =
  | { readonly addon: Addon; readonly path: string }
  | { readonly addon?: undefined; readonly why: string };

let opened: Opened | undefined;

/** Where the addon may lie: beside the sources, or two folders up from the compiled ones; `CORTADO_ADDON` first. */
function candidates(): readonly string[] {
  const file = `prebuilt/${platform}-${arch}/cortado.node`;
  const given = process.env["CORTADO_ADDON"];
  const near = [`./${file}`, `../../native/${file}`].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return given ? [given, ...near] : near;
}

/** Loads the addon once. Its absence is a value: all that does not need it goes on. */
export function openAddon(): Opened {
  opened ??= load();
  return opened;
}

function load(): Opened {
  const path = candidates().find((candidate) => existsSync(candidate));
  if (path === undefined)
    return {
      why: `Cortado's native addon is not built for ${platform}-${arch}: the npm package brings it for linux-x64; from a clone, "npm run build:native" makes it with the system's C++ compiler`,
    };
  try {
    return { addon: createRequire(import.meta.url)(path) as Addon, path };
  } catch (error) {
    return {
      why: `Cortado's native addon ${path} does not load: ${error instanceof Error ? error.message : error}`,
    };
  }
}
