import type { Argument } from "../../codegen/kernel.js";
import type { RealArray } from "../../runtime/memory.js";
import type { Root } from "../ir/graph.js";
import { type Built, locate } from "./build.js";

/** Reads and writes the values of one built program, by name. Mutable memory behind a small face. */
export interface Runner {
  readonly built: Built;
  /** The live memory of an input; undefined where the program does not read it. */
  input(name: string): RealArray | undefined;
  /** The live memory of what a root left; undefined where the program has no such root. */
  root(role: Root["role"], key: string | number): RealArray | undefined;
  forward(): Promise<void>;
  backward(): Promise<void>;
}

const keyOf = (root: Root): string => `${root.role} ${"blob" in root ? root.blob : root.param}`;

export function createRunner(built: Built, dtype: "float32" | "float64"): Runner {
  const { plan, executor } = built;
  const roots = new Map(
    built.graph.roots.map((root): [string, Argument] => [keyOf(root), locate(plan, root.node, dtype)]),
  );
  const view = (argument: Argument): RealArray => executor.view(argument) as RealArray;
  const copyBack = (pass: "forward" | "backward"): void => {
    for (const copy of plan.copies) {
      if (copy.pass !== pass) continue;
      const from = view(locate(plan, copy.from, dtype));
      view({ storage: "param", param: copy.param, offset: 0, elements: from.length }).set(from);
    }
  };
  return {
    built,
    input(name) {
      const argument = built.inputs.get(name);
      return argument && view(argument);
    },
    root(role, key) {
      const argument = roots.get(`${role} ${key}`);
      return argument && view(argument);
    },
    async forward() {
      await executor.run("forward");
      copyBack("forward");
    },
    async backward() {
      await executor.run("backward");
      copyBack("backward");
    },
  };
}
