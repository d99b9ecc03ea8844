import type { Kernel, Program } from "../../codegen/kernel/kernel.js";

/** Programs over one list of kernels, in which those that are equal are one; launches number them anew. */
export function mergePrograms(programs: readonly Program[]): readonly Program[] {
  const kernels: Kernel[] = [];
  const known = new Map<string, number>();
  const numberOf = (kernel: Kernel): number => {
    const key = exactText(kernel);
    const found = known.get(key) ?? kernels.push(kernel) - 1;
    known.set(key, found);
    return found;
  };
  const merged = programs.map((program) => {
    const numbers = program.kernels.map(numberOf);
    const renumber = (launches: Program["forward"]): Program["forward"] =>
      launches.map((launch) => ({ ...launch, kernel: numbers[launch.kernel] }));
    return {
      ...program,
      prepare: renumber(program.prepare),
      forward: renumber(program.forward),
      backward: renumber(program.backward),
    };
  });
  return merged.map((program) => ({ ...program, kernels }));
}

/** JSON would make infinities and NaN one, and −0 and 0; no other value of a kernel starts with "number ". */
const exactText = (kernel: Kernel): string =>
  JSON.stringify(kernel, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? `number ${Object.is(value, -0) ? "-0" : value}`
      : value,
  );
