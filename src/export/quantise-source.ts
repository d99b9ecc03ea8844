import { userError } from "../../proto/errors/index.js";
import { present } from "../../proto/errors/present.js";
import { compileTaken } from "../net/compile.js";
import type { CompiledNet } from "../net/compiled-net.js";
import { internalsOf } from "../net/internals.js";
import { keptBlobs } from "../net/objective.js";
import { DEFAULT_SEED, readNet } from "../net/open-net.js";
import type { Unread } from "../net/read-definition.js";
import type { NetDef } from "../net-text/index.js";
import { type CalibrationData, calibrationData } from "./calibration-data.js";
import type { TakenExportOptions, TakenInt8Options } from "./export-options.js";
import { lowerNetOf, type NetOptions } from "./net-batches.js";
import { type Int8Report, quantiseNet } from "./quantise-net.js";

/** Images of a batch on which a net is measured: more take memory and no less time. */
const MOST_AT_ONCE = 16;

/** Where the options do not say it. */
export const INT8_USUAL: Required<Pick<TakenInt8Options, "images" | "percentile" | "tolerance">> = {
  images: 256,
  percentile: 100,
  tolerance: 0.05,
};

/** What is asked for of a file in 8 bits. @throws CortadoError where what is asked for beside it does not go with it */
function settingsOf({
  int8,
  float16,
  train,
  backward,
}: TakenExportOptions): TakenInt8Options & typeof INT8_USUAL {
  if (float16) throw userError("int8 and float16 are two forms of weights", "leave one of them out");
  const more = train ? "train" : backward ? "backward" : undefined;
  if (more)
    throw userError(`int8 is for files of a forward pass, and ${more} asks for more`, `leave out ${more}`);
  return { ...INT8_USUAL, ...(typeof int8 === "object" && int8) };
}

/** Opens the data that a net is measured on, for as long as `work` takes. */
async function withData<T>(
  source: NetDef | Unread,
  options: NetOptions,
  work: (data: CalibrationData) => Promise<T>,
): Promise<T> {
  const { phase = "TEST", seed = DEFAULT_SEED } = options;
  const { feeds } = await readNet(source, options, { phase, seed });
  try {
    return await work(calibrationData(feeds));
  } finally {
    await feeds.close();
  }
}

const quantise = (
  net: CompiledNet,
  options: TakenExportOptions,
  data: CalibrationData,
): Promise<Int8Report> => {
  const internals = present(internalsOf(net), "a compiled net's internals");
  const source = { ...internals, device: internals.hold.device };
  return quantiseNet(source, keptBlobs(internals.lowered, options.keep), data, settingsOf(options));
};

/** Measures a net that is compiled, which says nothing of its data. */
export async function quantiseCompiled(net: CompiledNet, options: TakenExportOptions): Promise<Int8Report> {
  const { calibrate } = settingsOf(options);
  if (!calibrate)
    throw userError(
      "int8 of a net that is compiled needs data of its own",
      "calibrate names a net whose data layers give it",
    );
  return withData(calibrate, {}, (data) => quantise(net, options, data));
}

/** As `quantiseCompiled`, of a net that is compiled for it, for batches as they are measured. @param own what says which net it is */
export async function quantiseSource(
  net: NetDef | Unread,
  own: NetOptions,
  options: TakenExportOptions,
): Promise<Int8Report> {
  const { calibrate } = settingsOf(options);
  const { root, layers } = own;
  return withData(calibrate ?? net, calibrate ? { root, layers } : own, async (data) => {
    const { inputs } = await lowerNetOf(net, own);
    const batch = Math.min(data.batch, MOST_AT_ONCE);
    const given = [...inputs].filter(([blob]) => data.rows.has(blob));
    const shapes = Object.fromEntries(given.map(([blob, [, ...row]]) => [blob, [batch, ...row]]));
    const compiled = await compileTaken(net, { ...own, shapes: { ...own.shapes, ...shapes } });
    try {
      return await quantise(compiled, options, data);
    } finally {
      await compiled.close();
    }
  });
}
