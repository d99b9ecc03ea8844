import { CortadoError, type Diagnostic } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";

/** One parameter blob of a layer. */
export interface WeightBlob {
  readonly shape: readonly number[];
  /** Row-major; as many values as the shape has elements. */
  readonly data: Float32Array;
}

/**
 * The parameter blobs of a net, by layer; layers without any are left out. The order is that of the net, or of the
 * file they were read from (HDF5 sorts them by name). Several may have one name.
 */
export interface WeightSet {
  readonly layers: readonly {
    readonly name: string;
    /** As Caffe spells it; empty where the file does not tell it. */
    readonly type: string;
    readonly blobs: readonly WeightBlob[];
  }[];
}

/** Whether there are as many values as a shape has elements, and the shape is one. */
export function fillsShape(count: number, shape: readonly number[]): boolean {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) return false;
  return shape.reduce((product, extent) => product * extent, 1) === count;
}

/**
 * Checks a set that a program made, which plain JavaScript may get wrong.
 *
 * @throws CortadoError with every mistake
 */
export function checkWeightSet(weights: WeightSet): void {
  const layers: unknown = (weights as Partial<WeightSet> | null | undefined)?.layers;
  const mistakes: Diagnostic[] = [];
  const mistake = (message: string): void => void mistakes.push({ severity: "error", message });
  if (!Array.isArray(layers)) mistake("weights are { layers: [{ name, type, blobs }] }");
  else for (const [index, layer] of layers.entries()) checkLayer(layer, index, mistake);
  if (mistakes.length > 0) throw new CortadoError(mistakes);
}

function checkLayer(layer: unknown, index: number, mistake: (message: string) => void): void {
  const { name, type, blobs } = (layer ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== "string") {
    mistake(`layer ${index} of the weights has no name`);
    return;
  }
  const where = `layer ${quoted(name)} of the weights`;
  if (typeof type !== "string") mistake(`${where} has no type: give "" where it is not known`);
  if (!Array.isArray(blobs)) {
    mistake(`${where} has no array of blobs`);
    return;
  }
  for (const [position, blob] of blobs.entries()) {
    const { shape, data } = (blob ?? {}) as Readonly<Record<string, unknown>>;
    const which = `parameter ${position} of ${where}`;
    if (!(data instanceof Float32Array)) mistake(`${which} has no Float32Array of data`);
    else if (!Array.isArray(shape)) mistake(`${which} has no shape`);
    else if (!fillsShape(data.length, shape))
      mistake(`${which} has ${data.length} values for its shape ${showShape(shape)}`);
  }
}

/** What to do with a state that was given as weights. */
export const GO_ON =
  "--snapshot goes on from it (in code: solver.restore); its weights are the .caffemodel beside it";
