import { isNumbers, takeNumbers } from "../../proto/arguments/given-numbers.js";
import { showShape } from "../../proto/words/amounts.js";
import type { ParamMemory } from "../device.js";
import type { Param, ParamInfo } from "../net-types.js";
import { toFloat32 } from "./float32.js";
import type { Queue } from "./in-turn.js";
import type { ErrorStyle } from "./mistakes.js";

/** For each parameter a write that takes no copy. */
const uncopied = new WeakMap<Param, (values: Float32Array) => Promise<void>>();

/**
 * As a parameter's own `write`, of values that nobody changes before it has resolved: of a large net's weights, copies
 * would be as much again.
 */
export const writeUncopied = (param: Param, values: Float32Array): Promise<void> =>
  uncopied.get(param)?.(values) ?? param.write(values);

/** A readable and writable parameter over its memory, served in turn with the net's other calls. */
export const paramOver = (
  { shape, lrMult, decayMult }: ParamInfo,
  memory: ParamMemory,
  { inTurn }: Pick<Queue, "inTurn">,
  { error }: Pick<ErrorStyle, "error">,
): Param => {
  const writeTaken = async (taken: ReturnType<typeof takeNumbers>): Promise<void> => {
    if (!isNumbers(taken))
      throw error([
        { message: `What is written into a parameter of shape ${showShape(shape)} ${taken.wrong}` },
      ]);
    if (taken.length !== memory.elements)
      throw error([
        {
          message: `A parameter of shape ${showShape(shape)} holds ${memory.elements} numbers; ${taken.length} were given`,
        },
      ]);
    await memory.write(taken);
  };
  const param: Param = {
    shape,
    lrMult,
    decayMult,
    read: () => inTurn(async () => toFloat32(await memory.read())),
    write: (data) => {
      const taken = takeNumbers(data);
      return inTurn(() => writeTaken(taken));
    },
  };
  uncopied.set(param, (values) => inTurn(() => writeTaken(values)));
  return param;
};
