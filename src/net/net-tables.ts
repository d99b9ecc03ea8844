import type { NetPass } from "../../codegen/ir/graph.js";
import type { Argument } from "../../codegen/kernel/kernel.js";
import type { ProgramTable, Tables } from "../../runtime/net/tables.js";
import type { LoweredNet } from "../layers/index.js";
import { checkName } from "./objective.js";
import type { NetProgram } from "./programs.js";

/** What a built module says of one program. `program` has its kernels numbered as the module does. */
export function programTable(
  { program, inputs, roots }: Pick<NetProgram, "program" | "inputs" | "roots">,
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
  const checkOf = new Map(lowered.checks.map((_, i) => [checkName(lowered, i), i]));
  const checks: number[] = [];
  const values: { name: string; place: number }[] = [];
  const diffs: { name: string; place: number }[] = [];
  const gradients: { param: number; place: number }[] = [];
  const prepare = launches("prepare");
  const forward = launches("forward");
  const backward = launches("backward");
  for (const { root, place } of roots) {
    const number = placeOf(place);
    switch (root.role) {
      case "value": {
        const check = checkOf.get(root.blob);
        if (check === undefined) values.push({ name: root.blob, place: number });
        else checks[check] = number;
        break;
      }
      case "diff":
        diffs.push({ name: root.blob, place: number });
        break;
      case "gradient":
        gradients.push({ param: root.param, place: number });
        break;
      default:
        root satisfies never;
    }
  }
  return {
    arenaBytes: program.arenaBytes,
    prepare,
    forward,
    backward,
    copies: program.copies.map(({ pass, from, to }) => ({ pass, from: placeOf(from), to: placeOf(to) })),
    inputs: [...inputs].map(([name, place]) => ({ name, place: placeOf(place) })),
    values,
    diffs,
    gradients,
    checks,
    places,
  };
}

/** What a built module says of a net, but for its programs. */
export const netTables = (
  lowered: LoweredNet,
  kept: readonly string[],
): Pick<Tables, "blobs" | "inputs" | "outputs" | "kept" | "layers" | "losses" | "checks"> => ({
  blobs: [...lowered.blobs].map(([name, { shape }]) => ({ name, shape })),
  inputs: [...lowered.inputs.keys()],
  outputs: lowered.outputs,
  kept,
  // As in a compiled net, the last of several layers of one name has it.
  layers: [...new Map(lowered.layers.map((layer) => [layer.name, layer])).values()].map(
    ({ name, type, params }) => ({
      name,
      type,
      params: params.map(({ index, shape }) => ({ param: index, shape })),
    }),
  ),
  losses: lowered.losses.map(({ blob, weight }) => ({ blob, weight })),
  checks: lowered.checks.map(({ min, max, except, message }) => ({ min, max, except, message })),
});
