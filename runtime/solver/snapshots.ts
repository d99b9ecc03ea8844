import { userError } from "../../proto/errors/index.js";
import type { SnapshotFiles } from "./events.js";
import type { SolverParts, SolverPosition } from "./parts.js";

/** A snapshot that was asked for while a run is on. */
interface Request {
  readonly resolve: (files: SnapshotFiles) => void;
  readonly reject: (reason: unknown) => void;
}

/** The snapshots of a solver: those that are due, and those that a caller asks for meanwhile. */
export interface Snapshots {
  /** The one written last. */
  readonly last: SnapshotFiles | undefined;
  /** Whether one is asked for. */
  readonly asked: boolean;
  /** Asks for the next one that is written. */
  ask(): Promise<SnapshotFiles>;
  write(position: SolverPosition): Promise<SnapshotFiles>;
  /** Refuses what is still asked for. */
  end(): void;
}

export function createSnapshots({ save, onEvent = () => {} }: SolverParts): Snapshots {
  let last: SnapshotFiles | undefined;
  let requests: readonly Request[] = [];
  const taken = (): readonly Request[] => {
    const waiting = requests;
    requests = [];
    return waiting;
  };
  return {
    get last() {
      return last;
    },
    get asked() {
      return requests.length > 0;
    },
    ask: () =>
      new Promise((resolve, reject) => {
        requests = [...requests, { resolve, reject }];
      }),
    async write(position) {
      const waiting = taken();
      try {
        last = await save(position);
      } catch (error) {
        for (const { reject } of waiting) reject(error);
        throw error;
      }
      onEvent({ kind: "snapshot", ...last });
      for (const { resolve } of waiting) resolve(last);
      return last;
    },
    end() {
      for (const { reject } of taken()) reject(userError("the run ended before its snapshot was written"));
    },
  };
}
