import type { NetPass } from "../../codegen/ir/graph.js";
import type { Argument } from "../../codegen/kernel/kernel.js";
import type { NetTables, ProgramTable } from "../../runtime/net/tables.js";
import type { LoweredNet } from "../layers/index.js";
import { checkName } from "./objective.js";
import type { NetProgram } from "./programs.js";

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
    ...(seeds && { seeds }),
    updates: graph.roots.flatMap((root) =>
      root.role === "update" ? [{ pass: root.pass, param: root.param }] : [],
    ),
    places,
  };
}

/** What running a net needs to know of it, beside its programs. */
export const netTables = (lowered: LoweredNet, kept: readonly string[]): NetTables => ({
  blobs: [...lowered.blobs].map(([name, { shape }]) => ({ name, shape })),
  inputs: [...lowered.inputs].map(([name, shape]) => ({ name, shape })),
  outputs: lowered.outputs,
  kept,
  inputDiffs: lowered.wanted.inputs,
  // The last of several layers of one name has it.
  layers: [...new Map(lowered.layers.map((layer) => [layer.name, layer])).values()].map(
    ({ name, type, params }) => ({
      name,
      type,
      params: params.map(({ index, shape, lrMult, decayMult }) => ({
        param: index,
        shape,
        lrMult,
        decayMult,
      })),
    }),
  ),
  losses: lowered.losses.map(({ blob, weight }) => ({ blob, weight })),
  checks: lowered.checks.map(({ min, max, except, message, span }) => ({ min, max, except, message, span })),
});
