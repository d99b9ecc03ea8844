import type { AddressType } from "../../../codegen/targets/wasm/instructions.js";
import { MOST_PAGES_OF, PAGE, ROOM_AHEAD } from "../../../codegen/targets/wasm/module-interface.js";
import { userError } from "../../../proto/errors/index.js";
import { showBytes } from "../../../proto/words/amounts.js";
import { threadsRefused } from "../../thread-sharing.js";
import type { Engine, LinearMemory } from "./engine.js";
import { pagesUpTo, roomFor } from "./memory-layout.js";

/** One memory of WebAssembly for all that lies on a device. */
export interface WasmMemory {
  readonly memory: LinearMemory;
  /** The type of addresses in it. */
  readonly address: AddressType;
  /**
   * So many bytes, all zeros, by where they begin.
   *
   * @param what what they are for, as the subject of a sentence: "the parameters"
   * @throws CortadoError where there is no room
   */
  allocate(bytes: number, what: string): number;
  /** Gives back what was allocated there. */
  free(address: number): void;
}

interface Hole {
  from: number;
  to: number;
}

/** A memory that threads share where they can. @throws RangeError or TypeError where the engine has none with such addresses */
function openMemory({ Memory }: Engine, address: AddressType): LinearMemory {
  const [initial, maximum] = [pagesUpTo(ROOM_AHEAD), MOST_PAGES_OF[address]];
  const shared = threadsRefused() === undefined;
  return address === "i32"
    ? new Memory({ initial, maximum, shared })
    : new Memory({ initial: BigInt(initial), maximum: BigInt(maximum), shared, address });
}

/** Whether an engine has memory of more than 4 GiB. */
export function hasWideMemory(engine: Engine): boolean {
  try {
    openMemory(engine, "i64");
    return true;
  } catch {
    return false;
  }
}

/** A memory that threads share where they can, which grows as it is needed. */
export function createWasmMemory(engine: Engine, address: AddressType = "i32"): WasmMemory {
  const memory = openMemory(engine, address);
  const sizes = new Map<number, number>();
  /** Free stretches between what is allocated, by address; behind the last there is only what can be grown. */
  let holes: Hole[] = [];
  let end = ROOM_AHEAD;

  const grow = (to: number, what: string): void => {
    const missing = pagesUpTo(to) - memory.buffer.byteLength / PAGE;
    if (missing <= 0) return;
    try {
      memory.grow(address === "i32" ? missing : BigInt(missing));
    } catch {
      throw userError(
        `${what} need more memory than WebAssembly grants: ${showBytes(to)} with all else`,
        "target native or ts has no such bound; a smaller batch needs less",
      );
    }
  };
  return {
    memory,
    address,
    allocate(bytes, what) {
      const size = roomFor(bytes);
      const hole = holes.find(({ from, to }) => to - from >= size);
      const address = hole ? hole.from : end;
      if (hole) {
        hole.from += size;
        holes = holes.filter(({ from, to }) => from < to);
        new Uint8Array(memory.buffer, address, size).fill(0);
      } else {
        grow(end + size, what);
        end += size;
      }
      sizes.set(address, size);
      return address;
    },
    free(address) {
      const size = sizes.get(address);
      if (size === undefined) return;
      sizes.delete(address);
      const sorted = [...holes, { from: address, to: address + size }].sort((a, b) => a.from - b.from);
      const joined: Hole[] = [];
      for (const hole of sorted) {
        const last = joined.at(-1);
        if (last?.to === hole.from) last.to = hole.to;
        else joined.push(hole);
      }
      holes = joined;
    },
  };
}
