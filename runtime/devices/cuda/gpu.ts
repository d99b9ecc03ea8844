import type { Addon, Context } from "../../../native/addon.js";
import { InternalError, userError } from "../../../proto/errors/index.js";
import { showBytes } from "../../../proto/words/amounts.js";
import { messageOf } from "../../../proto/words/trouble.js";
import type { ParamMemory } from "../../device.js";
import type { FoundDevice } from "./open-driver.js";

/** A GPU in use: its context, and the memory that was taken of it. */
export interface Gpu {
  readonly addon: Addon;
  readonly context: Context;
  readonly name: string;
  /** "sm_90". */
  readonly architecture: string;
  /** @throws a user error where so many bytes are not free */
  checkMemory(bytes: number, what: string): void;
  /** Device memory, all zeros. @throws a user error where there is none left */
  allocate(bytes: number, what: string): bigint;
  allocateParam(elements: number): CudaParam;
  /** @throws a user error after `close` */
  requireOpen(): void;
  /** Frees all memory and modules. Again does nothing. */
  close(): void;
}

/** A parameter in device memory. */
export interface CudaParam extends ParamMemory {
  readonly address: bigint;
}

const FLOAT_BYTES = 4;

/** The bytes of an array, not copied. */
export const bytesOf = (array: Float32Array | Int32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Opens a device. @throws a user error where the driver refuses (it is in use by another, or forbidden) */
export function openGpu({ driver, ordinal, properties, architecture }: FoundDevice): Gpu {
  const { addon } = driver;
  const { name } = properties;
  const context = attempt(`${name} cannot be used`, () => addon.contextOpen(driver.cuda, ordinal));
  let open = true;
  const requireOpen = (): void => {
    if (!open) throw userError(`the net on ${name} has been closed`);
  };
  const checkMemory = (bytes: number, what: string): void => {
    requireOpen();
    const [free, total] = addon.contextMemory(context);
    if (bytes > free)
      throw userError(
        `${what} need ${showBytes(bytes)} of memory, and ${name} has ${showBytes(free)} free of ${showBytes(total)}`,
        "a smaller batch, or smaller layers, need less",
      );
  };
  const allocate = (bytes: number, what: string): bigint => {
    requireOpen();
    return attempt(`${what} need ${showBytes(bytes)} of memory, and ${name} does not grant it`, () =>
      addon.allocate(context, bytes),
    );
  };
  return {
    addon,
    context,
    name,
    architecture,
    checkMemory,
    allocate,
    requireOpen,
    allocateParam(elements) {
      const bytes = FLOAT_BYTES * elements;
      const address = allocate(bytes, "the parameters");
      const param: CudaParam = {
        address,
        elements,
        changes: 0,
        async read() {
          requireOpen();
          const out = await addon
            .copyOut(context, address, bytes)
            .catch(rethrow("reading a parameter failed"));
          return new Float32Array(out.buffer, out.byteOffset, elements);
        },
        async write(values) {
          requireOpen();
          if (values.length !== elements)
            throw new InternalError(`${values.length} values for a parameter of ${elements}`);
          attempt("writing a parameter failed", () =>
            addon.copyIn(context, address, bytesOf(Float32Array.from(values))),
          );
          param.changes++;
        },
      };
      return param;
    },
    close() {
      if (!open) return;
      open = false;
      addon.contextClose(context);
    },
  };
}

/** CUDA's names of what only a wrong kernel, or a wrong call, brings about. */
const OUR_MISTAKE = /CUDA_ERROR_(ILLEGAL|INVALID|MISALIGNED|LAUNCH|ASSERT|HARDWARE_STACK|NOT_FOUND)/;

/** An error of the driver, as one of ours: the user's machine, or a fault in Cortado. */
export function gpuError(what: string, error: unknown): Error {
  const text = `${what}: ${messageOf(error)}`;
  return OUR_MISTAKE.test(text) ? new InternalError(text) : userError(text);
}

/** For `catch` of a promise: throws the driver's error with what was being done. */
export const rethrow =
  (what: string) =>
  (error: unknown): never => {
    throw gpuError(what, error);
  };

/** The same for a call that throws. */
export function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw gpuError(what, error);
  }
}
