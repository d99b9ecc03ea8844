import type { NetPass, Root } from "../../codegen/ir/graph.js";
import type { RealArray } from "../../codegen/ir/real.js";
import type { Argument } from "../../codegen/kernel/kernel.js";
import type { Executor, ParamMemory } from "../device.js";
import type { NamedPlace, Place, ProgramTable } from "./program-table.js";

/** A program over its memory, on whatever device. */
export interface LoadedProgram {
  readonly table: ProgramTable;
  readonly executor: Pick<Executor, "run" | "read" | "write" | "close">;
}

/** Runs one program, and reads and writes its values by name, wherever they lie. */
export interface Runner<Program extends LoadedProgram = LoadedProgram> {
  readonly built: Program;
  /** Writes an input, or fills it with one number; nothing where the program does not read it. */
  write(input: string, values: ArrayLike<number> | number): Promise<void>;
  /** A copy of an input; undefined where the program does not read it. */
  readInput(input: string): Promise<RealArray | undefined>;
  /** A copy of what a pass left; undefined where the program leaves no such value. */
  read(role: Root["role"] | "taken", key: string | number): Promise<RealArray | undefined>;
  /** The values that the net's checks look at, in their order. */
  checked(): Promise<readonly RealArray[]>;
  forward(): Promise<void>;
  backward(): Promise<void>;
}

/**
 * @param params the net's parameters, by index. What the program prepares from them is made anew before a pass when
 * any of them has changed, whoever changed it.
 */
export function createRunner<Program extends LoadedProgram>(
  built: Program,
  params: readonly ParamMemory[],
): Runner<Program> {
  const { table, executor } = built;
  const byName = (role: Root["role"], named: readonly NamedPlace[]) =>
    named.map(({ name, place }) => [`${role} ${name}`, place] as const);
  const inputs = new Map(table.inputs.map(({ name, place }) => [name, place]));
  const roots = new Map<string, Place>([
    ...byName("value", table.values),
    ...byName("diff", table.diffs),
    ...table.gradients.map(({ param, place }) => [`gradient ${param}`, place] as const),
    ...(table.taken ?? []).map(({ param, place }) => [`taken ${param}`, place] as const),
  ]);
  const read = async (place: Place | undefined): Promise<RealArray | undefined> =>
    place === undefined ? undefined : ((await executor.read(table.places[place])) as RealArray);

  const preparedFrom = paramsIn(table);
  let prepared = -1;
  const run = async (pass: Exclude<NetPass, "prepare">): Promise<void> => {
    if (preparedFrom.length > 0) {
      const changes = preparedFrom.reduce((sum, param) => sum + params[param].changes, 0);
      if (changes !== prepared) await executor.run("prepare");
      prepared = changes;
    }
    try {
      await executor.run(pass);
    } finally {
      for (const update of table.updates) if (update.pass === pass) params[update.param].changes++;
    }
  };

  return {
    built,
    async write(input, values) {
      const place = inputs.get(input);
      if (place === undefined) return;
      const at = table.places[place];
      await executor.write(
        at,
        typeof values === "number" ? new Float64Array(at.elements).fill(values) : values,
      );
    },
    readInput: (input) => read(inputs.get(input)),
    read: (role, key) => read(roots.get(`${role} ${key}`)),
    checked: () =>
      Promise.all(table.checks.map(async (place) => (await executor.read(table.places[place])) as RealArray)),
    forward: () => run("forward"),
    backward: () => run("backward"),
  };
}

/** The parameters that a program prepares something from. */
function paramsIn({ prepare, places }: ProgramTable): readonly number[] {
  const read = prepare.flatMap(([, ...args]) => args.map((at): Argument => places[at]));
  return [...new Set(read.flatMap((at) => (at.storage === "param" ? [at.param] : [])))];
}
