import { CortadoError, userError } from "../../proto/errors/index.js";
import type { LoweredNet } from "../layers/lower-net.js";
import { DEFAULT_SEED, readNet } from "../net/open-net.js";
import type { Unread } from "../net/read-definition.js";
import type { NetDef } from "../net-text/index.js";
import type { NET_OPTIONS, TakenExportOptions } from "./export-options.js";

/** A net with two batches. */
export interface Twin {
  readonly lowered: LoweredNet;
  readonly rows: readonly [number, number];
}

export type NetOptions = Pick<TakenExportOptions, (typeof NET_OPTIONS)[number]>;

/** The net as graph. Its data is opened for shapes that nobody gives, and closed. */
export async function lowerNetOf(source: NetDef | Unread, options: NetOptions): Promise<LoweredNet> {
  const { phase = "TEST", seed = DEFAULT_SEED } = options;
  const { lower, feeds } = await readNet(source, options, { phase, seed });
  await feeds.close();
  return lower();
}

/** The batch of a net: the first extent of its first input. @throws CortadoError where there is none */
export function batchOf({ inputs }: LoweredNet, option: string): number {
  const [first] = inputs.values();
  if (!first || first.length === 0)
    throw userError("the net has no input with a batch", `leave out ${option}`);
  return first[0];
}

/** The shapes of inputs with another batch. */
export const shapesFor = ({ inputs }: LoweredNet, rows: number, batch: number) =>
  Object.fromEntries(
    [...inputs].map(([blob, shape]) => [blob, shape[0] === rows ? [batch, ...shape.slice(1)] : [...shape]]),
  );

/** The same net, its inputs with one row more. */
export async function otherBatch(
  source: NetDef | Unread,
  one: LoweredNet,
  options: NetOptions,
): Promise<Twin> {
  const rows = batchOf(one, "dynamicBatch");
  try {
    const other = await lowerNetOf(source, { ...options, shapes: shapesFor(one, rows, rows + 1) });
    return { lowered: other, rows: [rows, rows + 1] };
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    throw userError(
      `the batch cannot be left open: with ${rows + 1} instead of ${rows} ${error.diagnostics[0].message}`,
      "leave out dynamicBatch: the file is then for the batch that the net has",
    );
  }
}
