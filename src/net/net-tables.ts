import { NET_PASSES, type NetPass } from "../../codegen/ir/graph.js";
import type { Argument } from "../../codegen/kernel/kernel.js";
import { rangeOf } from "../../codegen/kernel/launch.js";
import type { ProgramTable } from "../../runtime/net/program-table.js";
import type { NetTables } from "../../runtime/net/tables.js";
import type { LoweredNet } from "../layers/index.js";
import { checkName, takenName } from "./objective.js";
import type { NetProgram } from "./programs.js";

/** What a program's table takes of the net: the names of what its checks read, and of what is taken from each parameter. */
export const namesIn = (
  lowered: LoweredNet,
): { readonly checks: readonly string[]; readonly taken: readonly string[] } => ({
  checks: lowered.checks.map((_, i) => checkName(lowered, i)),
  taken: lowered.params.map((_, param) => takenName(lowered, param)),
});

/**
 * What running a program needs to know of it. In a build `program` has its kernels numbered as the module does.
 */
export function programTable(
  { program, graph, inputs, roots, seeds }: Omit<NetProgram, "plan">,
  lowered: LoweredNet,
): ProgramTable {
  const places: Argument[] = [];
  const numbers = new Map<string, number>();
  const placeOf = (argument: Argument): number => {
    const key =
      argument.storage === "param"
        ? `param ${argument.param} ${argument.offset} ${argument.elements}`
        : `arena ${argument.dtype} ${argument.byteOffset} ${argument.elements}`;
    const number = numbers.get(key) ?? places.push(argument) - 1;
    numbers.set(key, number);
    return number;
  };
  const launches = (pass: NetPass) => program[pass].map(({ kernel, args }) => [kernel, ...args.map(placeOf)]);
  const { checks, taken: takenParams } = namesIn(lowered);
  const passes = {
    prepare: launches("prepare"),
    forward: launches("forward"),
    backward: launches("backward"),
  };
  const left = roots.map(({ root, place }) => ({ root, place: placeOf(place) }));
  const named = (role: "value" | "diff") =>
    left.flatMap(({ root, place }) => (root.role === role ? [{ name: root.blob, place }] : []));
  const values = named("value");
  const diffs = named("diff");
  const takenNames = new Map(takenParams.map((name, param) => [name, param]));
  const taken = diffs.flatMap(({ name, place }) => {
    const param = takenNames.get(name);
    return param === undefined ? [] : [{ param, place }];
  });
  const ranges = NET_PASSES.flatMap((pass) =>
    program[pass].flatMap((launch, i) =>
      launch.range ? [{ pass, launch: i, ...rangeOf(launch, program.kernels[launch.kernel]) }] : [],
    ),
  );
  return {
    arenaBytes: program.arenaBytes,
    ...passes,
    ...(ranges.length > 0 && { ranges }),
    copies: program.copies.map(({ pass, from, to }) => ({ pass, from: placeOf(from), to: placeOf(to) })),
    inputs: [...inputs].map(([name, place]) => ({ name, place: placeOf(place) })),
    values: values.filter(({ name }) => !checks.includes(name)),
    diffs: diffs.filter(({ name }) => !takenNames.has(name)),
    gradients: left.flatMap(({ root, place }) =>
      root.role === "gradient" ? [{ param: root.param, place }] : [],
    ),
    checks: checks.flatMap((check) => values.find(({ name }) => name === check)?.place ?? []),
    ...(taken.length > 0 && { taken }),
    ...(seeds && { seeds }),
    updates: graph.roots.flatMap((root) =>
      root.role === "update" ? [{ pass: root.pass, param: root.param }] : [],
    ),
    places,
  };
}

/** What running a net needs to know of it, beside its programs. */
export const netTables = (
  lowered: LoweredNet,
  kept: readonly string[],
  diffsOfParams: readonly number[] = [],
): NetTables => ({
  blobs: [...lowered.blobs].map(([name, { shape }]) => ({ name, shape })),
  inputs: [...lowered.inputs].map(([name, shape]) => ({ name, shape })),
  outputs: lowered.outputs,
  kept,
  keptDiffs: diffsOfParams,
  inputDiffs: lowered.wanted.inputs,
  layers: lowered.layers.map(({ name, type, params }) => ({
    name,
    type,
    params: params.map(({ index, shape, lrMult, decayMult }) => ({
      param: index,
      shape,
      lrMult,
      decayMult,
    })),
  })),
  losses: lowered.losses.map(({ blob, weight }) => ({ blob, weight })),
  checks: lowered.checks.map(({ min, max, except, message, span }) => ({ min, max, except, message, span })),
});
