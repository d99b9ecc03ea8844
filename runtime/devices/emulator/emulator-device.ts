import type { Launch, Program } from "../../../codegen/kernel/kernel.js";
import { launchShape, requireWhole } from "../../../codegen/kernel/launch.js";
import type { NetPass } from "../../../codegen/plan/plan.js";
import { cudaTarget } from "../../../codegen/targets/cuda/cuda-target.js";
import { type Addon, type HostMemory, openAddon } from "../../../native/addon.js";
import { InternalError, userError } from "../../../proto/errors/index.js";
import { messageOf } from "../../../proto/words/trouble.js";
import type { Device, Executor, ParamStore } from "../../device.js";
import { allocateShared, checkMemory } from "../../memory.js";
import { accessTo, copiesIn, viewOf } from "../threads/inline-executor.js";
import { allocateParam } from "../ts/ts-memory.js";
import { buildEmulatorModule, type EmulatorOptions } from "./emulator-module.js";

/** Which GPU the kernels are made for: tiles and splits are those of this architecture. */
const ARCHITECTURE = "sm_80";
/** From so many operations on, running costs more than an optimising build. */
const WORTH_OPTIMISING = 2e8;

/**
 * The GPU that is always there: the CUDA kernels, the very same sources, compiled by the system's C++ compiler and run
 * on this machine's processor under the detectors of native/emulator/README.md. For tests: it is slow.
 *
 * @throws CortadoError where the addon is not there
 */
export function createEmulatorDevice(options: EmulatorOptions = {}): Device {
  const opened = openAddon();
  const { addon } = opened;
  if (addon === undefined) throw userError(`target "emulator" is not available: ${opened.why}`);
  return {
    target: cudaTarget,
    description: cudaTarget.describe(ARCHITECTURE),
    hostMemory: true,
    checkMemory,
    allocate: (elements) => allocateParam("float32", elements),
    async load(program, params) {
      const { units } = cudaTarget.render(program, "float32");
      const flops = [...program.prepare, ...program.forward, ...program.backward].reduce(
        (sum, { kernel }) => sum + program.kernels[kernel].flops,
        0,
      );
      const favour = flops > WORTH_OPTIMISING ? "run" : "build";
      const path = await buildEmulatorModule(units, { favour, ...options });
      return createExecutor(addon, path, program, params);
    },
    async close() {},
  };
}

function createExecutor(addon: Addon, path: string, program: Program, params: ParamStore): Executor {
  const arena = allocateShared(program.arenaBytes, "the blobs");
  // What no kernel wrote must not look like a result.
  new Uint8Array(arena).fill(0xff);
  const memory = { arena, params: params.memories, dtype: params.dtype };
  const copy = copiesIn(program, memory);
  const module = addon.hostOpen(path);
  const planOf = (launches: readonly Launch[]) =>
    addon.hostPlan(
      module,
      launches.map((launch) => {
        const { kernel, args } = launch;
        requireWhole(launch);
        return {
          kernel,
          ...launchShape(program.kernels[kernel]),
          args: args.map((at) => viewOf(at, memory) as HostMemory),
        };
      }),
    );
  const plans = {
    prepare: planOf(program.prepare),
    forward: planOf(program.forward),
    backward: planOf(program.backward),
  };
  const times: Record<NetPass, readonly number[]> = { prepare: [], forward: [], backward: [] };
  let closed = false;
  return {
    async run(pass) {
      try {
        times[pass] = [...(await addon.hostRun(plans[pass]))];
      } catch (error) {
        throw finding(error, program, program[pass]);
      }
      copy(pass);
    },
    ...accessTo(memory),
    times: (pass) => times[pass],
    async close() {
      if (closed) return;
      closed = true;
      addon.hostClose(module);
    },
  };
}

/** What a detector found is our mistake, not the user's. */
function finding(error: unknown, program: Program, launches: readonly Launch[]): InternalError {
  const text = messageOf(error);
  const number = (error as { readonly launch?: unknown }).launch;
  const launch = typeof number === "number" ? launches[number] : undefined;
  const note = launch && program.kernels[launch.kernel].note;
  return new InternalError(`a generated kernel is wrong: ${text}${note ? ` (${note})` : ""}`);
}
