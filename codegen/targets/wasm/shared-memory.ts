/** Whether threads share a memory is one byte of the module that imports it. It knows no more of modules, so built nets carry it. */
import { InternalError } from "../../../proto/errors/errors.js";

/** What is said of a memory that has a maximum. */
export const MEMORY_LIMITS = { own: 1, shared: 3 } as const;

/** Bytes of a module before its first section. */
const HEAD = 8;

/**
 * A module of ours over memory that threads share, of the same over memory of one thread's own.
 *
 * @throws InternalError where the bytes are not such a module's
 */
export function withSharedMemory(module: Uint8Array): Uint8Array {
  let at = HEAD;
  const number = (): number => {
    let value = 0;
    for (let place = 1; ; place *= 128) {
      const byte = module[at++];
      value += (byte & 127) * place;
      if (!(byte > 127)) return value;
    }
  };
  const skip = (): void => {
    const length = number();
    at += length;
  };
  // The section of types, the head of that of imports, and of the first its two names and its kind.
  at++;
  skip();
  at++;
  number();
  number();
  skip();
  skip();
  at++;
  if (module[at] !== MEMORY_LIMITS.own)
    throw new InternalError("a module whose memory is not one thread's own");
  const shared = module.slice();
  shared[at] = MEMORY_LIMITS.shared;
  return shared;
}
