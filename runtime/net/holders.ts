import { InternalError } from "../../proto/errors/index.js";
import { layerKeys } from "../../proto/words/by-place.js";
import type { ParamMemory } from "../device.js";
import { orZeros, toFloat32 } from "./float32.js";
import type { Holder } from "./latest.js";
import { diffNotKept, type ErrorStyle, notKept } from "./mistakes.js";
import type { Runner } from "./runner.js";
import { INPUT, type NetTables, type ParamTable, shapesIn } from "./tables.js";

interface HolderParts {
  readonly tables: () => NetTables;
  /** The net's parameters, by index. */
  readonly params: readonly ParamMemory[];
  readonly style: Pick<ErrorStyle, "error" | "made">;
}

/** A net's programs as holders of what calls left. */
export function createHolders({ tables, params, style }: HolderParts) {
  const refuse = (mistake: Parameters<ErrorStyle["error"]>[0][number]): never => {
    throw style.error([mistake]);
  };
  const shapeOf = (blob: string): readonly number[] => shapesIn(tables().blobs).get(blob) ?? [];
  const value = async (runner: Runner | undefined, blob: string): Promise<Float32Array> => {
    const found = (await runner?.read("value", blob)) ?? (await runner?.readInput(INPUT.blob(blob)));
    return found ? toFloat32(found) : refuse(notKept(blob, style.made));
  };
  const diff = async (runner: Runner | undefined, blob: string, readable: readonly string[]) =>
    readable.includes(blob)
      ? orZeros(await runner?.read("diff", blob), shapeOf(blob))
      : refuse(notKept(blob, style.made));
  /** Of a parameter of the net: the key of a layer that has it, and what that layer says of it. */
  const ownerOf = (memory: ParamMemory): { readonly key: string; readonly own: ParamTable } => {
    const { layers } = tables();
    const index = params.indexOf(memory);
    for (const [place, layer] of layers.entries()) {
      const own = layer.params.find(({ param }) => param === index);
      if (own) return { key: layerKeys(layers)[place], own };
    }
    throw new InternalError("a parameter of another net");
  };
  return {
    /** What forward and backward left in the program that is current. */
    ofNet: (runner: () => Runner | undefined): Holder => ({
      value: (blob) => value(runner(), blob),
      diff: (blob) => diff(runner(), blob, [...tables().kept, ...tables().inputDiffs]),
      async paramDiff(memory) {
        const { own } = ownerOf(memory);
        return orZeros(await runner()?.read("gradient", own.param), own.shape);
      },
    }),
    /** What a step left: `update` is the program that applies gradients, where that is another. */
    ofSteps: (step: Runner, update: Runner): Holder => ({
      value: (blob) => value(step, blob),
      diff: (blob) => diff(step, blob, tables().kept),
      async paramDiff(memory) {
        const { key, own } = ownerOf(memory);
        if (!tables().keptDiffs.includes(own.param)) refuse(diffNotKept(key, style.made));
        return orZeros(await update.read("taken", own.param), own.shape);
      },
    }),
  };
}
