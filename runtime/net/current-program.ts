import { type ErrorStyle, takesNoDiff } from "./mistakes.js";
import type { Runner } from "./runner.js";
import type { NetTables } from "./tables.js";

/** A program of a net, and the net as that was made for it: shapes can depend on values. */
export interface Current {
  readonly tables: NetTables;
  readonly runner: Runner;
}

/** Which program of a net runs. */
export interface Programs<C extends Current = Current> {
  /** Undefined where there is none yet. */
  current(): C | undefined;
  /** Made where there is none yet. */
  ready(): Promise<C>;
  /** Runs forward; others repeat it, until one was made for the shapes that it finds. That is then the current one. */
  forward(): Promise<C>;
  /** The current program or, in its place and brought to where that was, one that takes diffs of these blobs. */
  taking(blobs: readonly string[]): Promise<C>;
}

/** Those of a net that has one only. */
export function onlyProgram(only: Current, { error }: Pick<ErrorStyle, "error">): Programs {
  return {
    current: () => only,
    ready: async () => only,
    async forward() {
      await only.runner.forward();
      return only;
    },
    async taking(blobs) {
      const { seeds = [] } = only.runner.built.table;
      const others = blobs.filter((blob) => !seeds.includes(blob));
      if (others.length > 0) throw error(others.map((blob) => takesNoDiff(blob, seeds)));
      return only;
    },
  };
}
