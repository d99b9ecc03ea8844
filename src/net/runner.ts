import type { Root } from "../../codegen/ir/graph.js";
import type { RealArray } from "../../codegen/ir/real.js";
import type { Argument } from "../../codegen/kernel/kernel.js";
import type { Built } from "./load-program.js";

/** Reads and writes the values of one built program, by name, wherever they lie. */
export interface Runner {
  readonly built: Built;
  /** Writes an input, or fills it with one number; nothing where the program does not read it. */
  write(input: string, values: ArrayLike<number> | number): Promise<void>;
  /** A copy of an input; undefined where the program does not read it. */
  readInput(input: string): Promise<RealArray | undefined>;
  /** A copy of what a root left; undefined where the program has no such root. */
  read(role: Root["role"], key: string | number): Promise<RealArray | undefined>;
  forward(): Promise<void>;
  backward(): Promise<void>;
}

const keyOf = (root: Built["roots"][number]["root"]): string =>
  `${root.role} ${"blob" in root ? root.blob : root.param}`;

export function createRunner(built: Built): Runner {
  const { executor, inputs } = built;
  const roots = new Map(built.roots.map(({ root, place }) => [keyOf(root), place]));
  const read = async (argument: Argument | undefined): Promise<RealArray | undefined> =>
    argument && ((await executor.read(argument)) as RealArray);
  return {
    built,
    async write(input, values) {
      const argument = inputs.get(input);
      if (!argument) return;
      await executor.write(
        argument,
        typeof values === "number" ? new Float64Array(argument.elements).fill(values) : values,
      );
    },
    readInput: (input) => read(inputs.get(input)),
    read: (role, key) => read(roots.get(`${role} ${key}`)),
    forward: () => executor.run("forward"),
    backward: () => executor.run("backward"),
  };
}
