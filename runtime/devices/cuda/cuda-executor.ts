import type { Argument, Launch } from "../../../codegen/kernel/kernel.js";
import { requireWhole } from "../../../codegen/kernel/launch.js";
import type { NetPass } from "../../../codegen/plan/plan.js";
import type { Graph, GraphCopy, GraphLaunch, Module } from "../../../native/addon.js";
import { InternalError } from "../../../proto/errors/index.js";
import type { Executor, ParamMemory, ParamStore } from "../../device.js";
import type { Schedule } from "../../net/program-table.js";
import { attempt, bytesOf, type CudaParam, type Gpu, gpuError, rethrow } from "./gpu.js";

/** A compiled kernel, and how it is launched. */
export interface LoadableKernel {
  readonly symbol: string;
  readonly cubin: Uint8Array;
  readonly blocks: number;
  readonly threads: number;
  /** What it computes, for errors: operation and shapes. */
  readonly note: string;
}

/** A kernel on its GPU, for any number of programs. */
export interface LoadedKernel extends Omit<LoadableKernel, "cubin"> {
  readonly module: Module;
}

/** @throws a user error where the driver refuses a kernel */
export const loadKernels = (
  { addon, context, name }: Gpu,
  kernels: readonly LoadableKernel[],
): readonly LoadedKernel[] =>
  kernels.map(({ cubin, ...kernel }) => ({
    ...kernel,
    module: attempt(`${name} does not load kernel ${kernel.symbol} (${kernel.note})`, () =>
      addon.moduleLoad(context, cubin),
    ),
  }));

export interface CudaExecutorOptions {
  readonly gpu: Gpu;
  readonly kernels: readonly LoadedKernel[];
  readonly schedule: Schedule;
  /** Allocated on the same GPU. */
  readonly params: ParamStore;
  /** The layers that steps of the plan compute, for errors. */
  readonly describe?: (steps: readonly number[]) => string;
}

const WORD = 4;

/**
 * A program on a GPU: one arena over kernels that were loaded, and each pass one CUDA graph, built when it first runs. With
 * CUDA_LAUNCH_BLOCKING set, every launch is waited for by itself, so that a fault names its kernel.
 *
 * @throws a user error where the arena does not fit, before it is allocated
 */
export function createCudaExecutor(options: CudaExecutorOptions): Executor {
  const { gpu, kernels, schedule, params, describe } = options;
  const { addon, context } = gpu;
  gpu.checkMemory(schedule.arenaBytes, "the blobs (the plan's peak)");
  const arena = gpu.allocate(schedule.arenaBytes, "the blobs");
  let closed = false;
  const requireOpen = (): void => {
    gpu.requireOpen();
    if (closed) throw new InternalError("a program on a GPU was used after it was closed");
  };

  const addressOf = (at: Argument): bigint =>
    at.storage === "arena"
      ? arena + BigInt(at.byteOffset)
      : cudaParam(params.memories[at.param]).address + BigInt(WORD * at.offset);
  const launchOf = (launch: Launch): GraphLaunch => {
    requireWhole(launch);
    const { module, symbol, blocks, threads } = kernels[launch.kernel];
    return { module, symbol, blocks, threads, args: BigUint64Array.from(launch.args, addressOf) };
  };
  const nameOf = ({ kernel, steps }: Launch): string => {
    const { symbol, note } = kernels[kernel];
    const layers = describe?.(steps);
    return `kernel ${symbol} (${note}${layers ? `; layers ${layers}` : ""})`;
  };

  /** A pass's launches, then its copies, each with its name. */
  interface Item {
    readonly work: GraphLaunch | GraphCopy;
    readonly name: string;
  }
  const itemsOf = (pass: NetPass): readonly Item[] => [
    ...schedule[pass].map((launch) => ({ work: launchOf(launch), name: nameOf(launch) })),
    ...schedule.copies
      .filter((copy) => copy.pass === pass)
      .map(({ from, to }) => ({
        work: { from: addressOf(from), to: addressOf(to), bytes: WORD * from.elements },
        name: "a copy of a parameter's next value",
      })),
  ];
  const items: Partial<Record<NetPass, readonly Item[]>> = {};
  const itemsOnce = (pass: NetPass): readonly Item[] => {
    items[pass] ??= itemsOf(pass);
    return items[pass];
  };
  const graphs: Partial<Record<NetPass, Graph>> = {};
  const graphOf = (pass: NetPass): Graph => {
    graphs[pass] ??= build(pass, itemsOnce(pass));
    return graphs[pass];
  };
  const build = (pass: NetPass, all: readonly Item[]): Graph => {
    try {
      return addon.graphBuild(
        context,
        all.map(({ work }) => work),
      );
    } catch (error) {
      // Which one it was: the first that does not make a graph of its own either.
      for (const { work, name } of all) {
        try {
          addon.graphClose(addon.graphBuild(context, [work]));
        } catch (own) {
          throw gpuError(`${name}, in the ${pass} pass on ${gpu.name}`, own);
        }
      }
      throw gpuError(`the ${pass} pass on ${gpu.name}`, error);
    }
  };
  const runBlocking = async (pass: NetPass): Promise<void> => {
    for (const { work, name } of itemsOnce(pass))
      await addon.profile(context, [work]).catch(rethrow(`${name}, in the ${pass} pass on ${gpu.name}`));
  };

  const times: Record<NetPass, readonly number[]> = { prepare: [], forward: [], backward: [] };
  return {
    async run(pass) {
      requireOpen();
      times[pass] = [];
      if (process.env["CUDA_LAUNCH_BLOCKING"] === "1") return runBlocking(pass);
      const graph = graphOf(pass);
      const what = `the ${pass} pass on ${gpu.name} (CUDA_LAUNCH_BLOCKING=1 tells which kernel)`;
      attempt(what, () => addon.graphLaunch(graph));
      await addon.synchronize(context).catch(rethrow(what));
    },
    async profile(pass) {
      requireOpen();
      const all = itemsOnce(pass);
      const taken = await addon
        .profile(
          context,
          all.map(({ work }) => work),
        )
        .catch(rethrow(`the ${pass} pass on ${gpu.name}`));
      times[pass] = [...taken.subarray(0, schedule[pass].length)];
    },
    async read(at) {
      requireOpen();
      const bytes = await addon
        .copyOut(context, addressOf(at), WORD * at.elements)
        .catch(rethrow(`reading from ${gpu.name} failed`));
      return isIndex(at)
        ? new Int32Array(bytes.buffer, bytes.byteOffset, at.elements)
        : new Float32Array(bytes.buffer, bytes.byteOffset, at.elements);
    },
    async write(at, values) {
      requireOpen();
      if (values.length !== at.elements)
        throw new InternalError(`${values.length} values for a place of ${at.elements}`);
      const array = isIndex(at) ? Int32Array.from(values) : asFloats(values);
      attempt(`writing to ${gpu.name} failed`, () => addon.copyIn(context, addressOf(at), bytesOf(array)));
    },
    times: (pass) => times[pass],
    async close() {
      if (closed) return;
      closed = true;
      try {
        for (const graph of Object.values(graphs)) addon.graphClose(graph);
        addon.free(context, arena);
      } catch {
        // After a fault the driver refuses everything; what is left goes with the context.
      }
    },
  };
}

const isIndex = (at: Argument): boolean => at.storage === "arena" && at.dtype === "index";

/** What is float32 already need not be copied: the addon stages it before it returns. */
const asFloats = (values: ArrayLike<number>): Float32Array =>
  values instanceof Float32Array ? values : Float32Array.from(values);

function cudaParam(memory: ParamMemory): CudaParam {
  if (!("address" in memory)) throw new InternalError("a parameter lies on another device than its net");
  return memory as CudaParam;
}
