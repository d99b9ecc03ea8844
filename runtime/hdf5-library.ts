import { resolve } from "node:path";
import type { Module } from "h5wasm/node";
import { messageOf } from "../proto/words/trouble.js";

/** The HDF5 library as it is exported, below the classes of its package: they all share one instance, for good. */
export type Hdf5Library = typeof Module;

/** What is used of the library's view of the file system. */
interface FileSystem {
  readonly streams: readonly (Stream | null | undefined)[];
  readonly ErrnoError: new (code: number) => Error;
  open(path: string, flags: number | string, mode?: number): Stream;
  close(stream: Stream): void;
  read(stream: Stream, into: Uint8Array, offset: number, length: number, position: number): number;
  write(stream: Stream, bytes: Uint8Array, offset: number, length: number, position?: number): number;
}
interface Stream {
  readonly fd: number;
  readonly path: string;
}

/** An instance of the library, and what it said and asked for while it served one file. */
interface Instance {
  readonly library: Hdf5Library;
  readonly system: FileSystem;
  /** The only file that it may open. */
  own: string;
  /** Other files that it asked for. */
  denied: readonly string[];
  /** Its own account of errors, which it would print. */
  trace: string;
}

/** One file, open in an instance of the library that it has to itself. */
export interface Hdf5Session {
  readonly library: Hdf5Library;
  readonly id: bigint;
  /** Bytes of the file, fewer at its end, as the library itself would read them. */
  readAt(offset: number, length: number): Uint8Array;
  /**
   * Runs what calls the library. A status that tells of failure is thrown as Hdf5Failure by `work`.
   *
   * @throws Hdf5Failure when the library throws or aborts; nothing stays open then, and the session is over
   */
  run<T>(work: () => T): T;
  /** What a path leads to, as the library numbers kinds; of a link that leads into another file, that file. */
  kindOf(path: string): { readonly kind: number; readonly elsewhere: string | undefined };
  close(): void;
}

/** Why the library could not do something. */
export class Hdf5Failure extends Error {
  /** @param elsewhere another file that was asked for, and not opened */
  constructor(
    reason: string,
    readonly elsewhere?: string,
  ) {
    super(reason);
  }
}

const STANDARD_ERROR = 2;
const PERMISSION_DENIED = 2;
/** Memory of an instance never shrinks: one that read something large is given up. */
const MOST_KEPT_BYTES = 128 * 2 ** 20;

/** An instance that has closed all it had open, kept for the next file: making one takes some 60 ms. */
let idle: Instance | undefined;

async function newInstance(): Promise<Instance> {
  // The package's entry makes one instance; the factory lies beside it.
  const { default: make } = (await import(
    new URL("./hdf5_util.js", import.meta.resolve("h5wasm/node")).href
  )) as { readonly default: (options: object) => Promise<Hdf5Library> };
  const silent = (): void => {};
  const library = await make({ noInitialRun: true, print: silent, printErr: silent });
  const system = library.FS as unknown as FileSystem;
  const instance: Instance = { library, system, own: "", denied: [], trace: "" };
  const { open, write } = system;
  system.open = (path, flags, mode) => {
    if (resolve(path) === instance.own) return open(path, flags, mode);
    instance.denied = [...instance.denied, path];
    throw new system.ErrnoError(PERMISSION_DENIED);
  };
  system.write = (stream, bytes, offset, length, position) => {
    if (stream.fd !== STANDARD_ERROR) return write(stream, bytes, offset, length, position);
    instance.trace += Buffer.from(bytes.subarray(offset, offset + length)).toString("latin1");
    return length;
  };
  return instance;
}

const openStreams = ({ system }: Instance): readonly Stream[] =>
  system.streams.filter(
    (stream): stream is Stream => stream !== undefined && stream !== null && stream.fd > STANDARD_ERROR,
  );

/** Keeps an instance that has nothing open for the next file; closes what another holds, and leaves it behind. */
function putBack(instance: Instance, isSound: boolean): void {
  const held = openStreams(instance);
  if (isSound && held.length === 0 && instance.library.HEAPU8.length <= MOST_KEPT_BYTES) {
    idle = instance;
    return;
  }
  for (const stream of held) {
    try {
      instance.system.close(stream);
    } catch {
      // The descriptor is gone already.
    }
  }
}

/**
 * Opens or makes a file. Each file has an instance of the library to itself, which is used again only when it has
 * closed all it opened: with a handle lost in a failure the library keeps the file open, would give its old content
 * after it was replaced, and breaks in the end. After an exception or an abort nothing is known of its state.
 *
 * No other file is ever opened, whatever the content asks for: external links, external storage, virtual datasets and
 * filters from libraries all come through the one function that is guarded here.
 *
 * @param mode "r": of a file that is there; "w": a new one
 * @throws Hdf5Failure when that cannot be
 */
export async function openSession(path: string, mode: "r" | "w"): Promise<Hdf5Session> {
  const instance = idle ?? (await newInstance());
  idle = undefined;
  const { library, system } = instance;
  Object.assign(instance, { own: resolve(path), denied: [], trace: "" });

  let over = false;
  let id = -1n;
  const end = (isSound: boolean): void => {
    over = true;
    let closed = false;
    try {
      closed = isSound && (id < 0n || library.close_file(id) >= 0);
    } finally {
      putBack(instance, closed);
    }
  };
  const run = <T>(work: () => T): T => {
    if (over) throw new Hdf5Failure("the file is closed");
    let result: T;
    try {
      result = work();
    } catch (error) {
      const reason = reasonOf(instance.trace || messageOf(error));
      end(error instanceof Hdf5Failure);
      throw new Hdf5Failure(reason, instance.denied[0]);
    }
    if (instance.trace === "" && instance.denied.length === 0) return result;
    const reason = reasonOf(instance.trace);
    end(true);
    throw new Hdf5Failure(reason, instance.denied[0]);
  };

  id = run(() =>
    library.open(instance.own, mode === "r" ? library.H5F_ACC_RDONLY : library.H5F_ACC_TRUNC, false, -1, -1),
  );
  return {
    library,
    id,
    readAt(offset, length) {
      const stream = openStreams(instance).find((one) => one.path === instance.own);
      if (over || !stream) return new Uint8Array(0);
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, system.read(stream, bytes, 0, length, offset));
    },
    run,
    kindOf: (at) =>
      run(() => {
        const kind = library.get_type(id, at);
        const [elsewhere] = instance.denied;
        // A link that leads nowhere is no damage.
        if (elsewhere !== undefined || kind === library.H5G_LINK || kind === library.H5G_UDLINK)
          Object.assign(instance, { denied: [], trace: "" });
        return { kind, elsewhere };
      }),
    close() {
      if (over) return;
      const status = run(() => library.close_file(id));
      over = true;
      putBack(instance, status >= 0);
      if (status < 0) throw new Hdf5Failure("it cannot be closed");
    },
  };
}

/** What the system said, or else the innermost reason of the library's trace, which gives one for each of its functions on the way. */
function reasonOf(text: string): string {
  const innermost =
    /error message = '([^']+)'/.exec(text)?.[1] ?? [...text.matchAll(/ in \w+\(\): (.*)/g)].at(-1)?.[1];
  return (innermost ?? text.split("\n")[0]).slice(0, 200);
}
