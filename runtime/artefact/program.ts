import type { ProgramTable } from "../net/tables.js";
import type { ArtefactProgram } from "./artefact-device.js";

/** A program whose values are read and written by name. */
export interface NamedProgram {
  run(pass: "forward" | "backward"): Promise<void>;
  /** Nothing where the program does not read the input. */
  input(name: string, values: ArrayLike<number> | number): Promise<void>;
  /** A copy; undefined where the program leaves no such value. */
  value(blob: string): Promise<Float32Array | undefined>;
  /** A copy of what an input holds; undefined where the program does not read it. */
  held(name: string): Promise<Float32Array | undefined>;
  diff(blob: string): Promise<Float32Array | undefined>;
  gradient(param: number): Promise<Float32Array | undefined>;
  /** The values of run-time checks, in their order. */
  checks(): Promise<readonly Float32Array[]>;
}

export function nameProgram(program: ArtefactProgram): NamedProgram {
  const { table } = program;
  const byName = (named: ProgramTable["inputs"]) => new Map(named.map(({ name, place }) => [name, place]));
  const inputs = byName(table.inputs);
  const values = byName(table.values);
  const diffs = byName(table.diffs);
  const gradients = new Map(table.gradients.map(({ param, place }) => [param, place]));
  const read = async (place: number | undefined): Promise<Float32Array | undefined> =>
    place === undefined ? undefined : program.read(table.places[place]);
  return {
    run: program.run,
    async input(name, given) {
      const place = inputs.get(name);
      if (place !== undefined) await program.write(table.places[place], given);
    },
    value: (blob) => read(values.get(blob)),
    held: (name) => read(inputs.get(name)),
    diff: (blob) => read(diffs.get(blob)),
    gradient: (param) => read(gradients.get(param)),
    checks: () => Promise.all(table.checks.map((place) => program.read(table.places[place]))),
  };
}
