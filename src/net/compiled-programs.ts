import type { RealArray } from "../../codegen/ir/real.js";
import type { ParamMemory } from "../../runtime/device.js";
import type { Programs } from "../../runtime/net/current-program.js";
import type { Runner } from "../../runtime/net/runner.js";
import type { LoweredNet } from "../layers/index.js";
import type { Objective } from "./objective.js";
import { type CompiledCurrent, createRowPrograms } from "./row-programs.js";

export interface ProgramMakers {
  /** The first program: called once, when it is first needed. */
  readonly first: () => Promise<CompiledCurrent>;
  readonly make: (objective: Objective, lowered: LoweredNet) => Promise<CompiledCurrent>;
  /** The net for numbers of rows that depend on values. */
  readonly lower: (rows: readonly number[]) => LoweredNet;
}

/** The programs of a compiled net: others are made where `backward` names new blobs, or rows depend on values. */
export interface CompiledPrograms extends Programs<CompiledCurrent> {
  close(): Promise<void>;
}

/** @param params the net's parameters, by index */
export function createPrograms(makers: ProgramMakers, params: readonly ParamMemory[]): CompiledPrograms {
  const rowPrograms = createRowPrograms(makers);
  let current: CompiledCurrent | undefined;
  /** What forward updates, as it was before the last one. */
  let before: readonly { readonly memory: ParamMemory; readonly values: RealArray }[] = [];

  const ready = async (): Promise<CompiledCurrent> => {
    current ??= await makers.first();
    return current;
  };
  const restore = async (): Promise<void> => {
    for (const { memory, values } of before) await memory.write(values);
  };
  /** Makes the next program the current one. Where that fails, it is closed and all is as before. */
  const takeOver = async (old: CompiledCurrent, next: CompiledCurrent): Promise<void> => {
    try {
      await handOver(old.runner, next.runner);
      const after = await Promise.all(
        before.map(async ({ memory }) => ({ memory, values: await memory.read() })),
      );
      await restore();
      try {
        await next.runner.forward();
      } catch (reason) {
        for (const { memory, values } of after) await memory.write(values);
        throw reason;
      }
    } catch (reason) {
      await next.runner.built.executor.close();
      throw reason;
    }
    current = next;
  };
  return {
    current: () => current,
    ready,
    async forward() {
      let now = await ready();
      const updated = now.runner.built.table.updates.filter(({ pass }) => pass === "forward");
      before = await Promise.all(
        updated.map(async ({ param }) => ({ memory: params[param], values: await params[param].read() })),
      );
      await now.runner.forward();
      for (;;) {
        const other = await rowPrograms.other(now).catch(async (reason: unknown) => {
          await restore();
          throw reason;
        });
        if (!other) return now;
        await takeOver(now, other);
        now = other;
      }
    },
    async taking(blobs) {
      const now = await ready();
      const { objective, lowered, runner } = now;
      const seeds = [...new Set([...objective.seeds, ...blobs])];
      if (objective.backward && seeds.length === objective.seeds.length) return now;
      const next = await makers.make({ ...objective, backward: true, seeds }, lowered);
      await takeOver(now, next);
      await rowPrograms.close();
      await runner.built.executor.close();
      return next;
    },
    async close() {
      await current?.runner.built.executor.close();
      await rowPrograms.close();
    },
  };
}

/** Gives a program the inputs that another holds. */
async function handOver(from: Runner, to: Runner): Promise<void> {
  const { inputs, places } = to.built.table;
  for (const { name, place } of inputs) {
    const held = await from.readInput(name);
    // A diff's shape can depend on the number of rows.
    if (held?.length === places[place].elements) await to.write(name, held);
  }
}
