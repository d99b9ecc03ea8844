import type { Argument } from "../../codegen/kernel/kernel.js";
import type { ProgramTable, Tables } from "../net/tables.js";
import type { ArtefactDevice, ArtefactProgram } from "./artefact-device.js";

/** A kernel: its buffers, then the part of its outermost loop to do. */
export type ArtefactKernel = (...buffersAndRange: (Float32Array | Int32Array | number)[]) => void;

/** What the `ts` target adds to the tables. */
export interface TsKernels {
  readonly functions: readonly ArtefactKernel[];
  /** Iterations of each kernel's outermost loop. */
  readonly extents: readonly number[];
}

/** Between kernels the event loop gets a turn this often, over all passes: small ones follow one another without any. */
const TURN_MS = 12;
let turn = 0;

/** A MessagePort, as Node and browsers both have it. */
interface TurnPort {
  onmessage: () => void;
  postMessage(message: number): void;
  close(): void;
}

/** Lets the event loop have a turn; in browsers a timer would wait for some milliseconds. */
const giveTurn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel() as unknown as Record<"port1" | "port2", TurnPort>;
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });

function allocate(bytes: number, what: string): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch {
    throw new Error(`${what} need ${bytes} bytes of memory, and there are not as many in one piece`);
  }
}

/** JavaScript functions over memory of this thread. */
export async function openTsDevice(
  { parameters }: Pick<Tables, "parameters">,
  programs: readonly ProgramTable[],
  kernels: TsKernels,
): Promise<ArtefactDevice> {
  const params = parameters.map((elements) => new Float32Array(allocate(4 * elements, "the parameters")));
  return {
    programs: programs.map((program) => openTsProgram(program, kernels, params)),
    close: async () => {},
  };
}

function openTsProgram(
  program: ProgramTable,
  { functions, extents }: TsKernels,
  params: readonly Float32Array[],
): ArtefactProgram {
  const arena = allocate(program.arenaBytes, "the blobs");
  const viewOf = (place: Argument): Float32Array | Int32Array => {
    if (place.storage === "param")
      return params[place.param].subarray(place.offset, place.offset + place.elements);
    return place.dtype === "index"
      ? new Int32Array(arena, place.byteOffset, place.elements)
      : new Float32Array(arena, place.byteOffset, place.elements);
  };
  const views = program.places.map(viewOf);
  const bound = (launches: readonly (readonly number[])[]) =>
    launches.map(([kernel, ...places]) => ({
      run: functions[kernel],
      extent: extents[kernel],
      buffers: places.map((place) => views[place]),
    }));
  const passes = {
    prepare: bound(program.prepare),
    forward: bound(program.forward),
    backward: bound(program.backward),
  };
  return {
    table: program,
    async run(pass) {
      for (const { run, extent, buffers } of passes[pass]) {
        run(...buffers, 0, extent);
        if (performance.now() - turn > TURN_MS) {
          await giveTurn();
          turn = performance.now();
        }
      }
      for (const copy of program.copies) if (copy.pass === pass) views[copy.to].set(views[copy.from]);
    },
    read: async (place) => Float32Array.from(viewOf(place)),
    async write(place, values) {
      const view = viewOf(place);
      if (typeof values === "number") view.fill(values);
      else view.set(values);
    },
  };
}
