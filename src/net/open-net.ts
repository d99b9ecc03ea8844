import type { LoweredNet } from "../layers/index.js";
import { amend, type NetDef, selectLayers } from "../net-text/index.js";
import { chooseTarget, usualTarget } from "./choose-target.js";
import type { CompileOptions, TakenOptions } from "./compile-options.js";
import { readConstants } from "./constants.js";
import { openFeeds } from "./feeds.js";
import { lentBy } from "./internals.js";
import { lowerDefinition } from "./lower-definition.js";
import { holdDevice, openDevice } from "./open-device.js";
import { readDefinition, type Unread } from "./read-definition.js";
import { openSinks } from "./sinks.js";
import { threadsFor } from "./threads.js";

/** Of fillers, dropout and random crops, where nobody gave one. */
export const DEFAULT_SEED = 1701;

/** A net as graph, with the data and the device that it is to run on. Nothing of it is allocated. */
export type OpenNet = Awaited<ReturnType<typeof openNet>>;

/** Reads a net, opens what its data layers read and lowers it. Whatever fails, nothing stays open. */
export async function openNet(net: string | NetDef | Unread, options: TakenOptions<CompileOptions>) {
  const { phase = "TEST", seed = DEFAULT_SEED, dtype = "float32", fma = "auto" } = options;
  const lent = options.share && lentBy(options.share);
  const target = await chooseTarget(options, lent && options.share?.target.name);
  const settings = { phase, seed, dtype, fma, ...threadsFor(options.threads) };
  const { feeds, ...source } = await readNet(net, options, settings);
  try {
    const lowered = source.lower();
    const constants = await readConstants(lowered, source.root);
    const sinks = await openSinks(lowered, source.root);
    const hold = lent ? lent.hold.share() : holdDevice(await openDevice(target, { dtype, fma }));
    const isChosen = !lent && (options.target ?? usualTarget()) === "auto";
    return { ...source, target, isChosen, ...settings, lowered, constants, feeds, sinks, lent, hold };
  } catch (error) {
    await feeds.close();
    throw error;
  }
}

/** Reads a net, with the layers of its phase, and opens its data: `lower` then makes its graph. */
export async function readNet(
  net: string | NetDef | Unread,
  {
    root: given,
    level,
    stages,
    layers,
    shapes,
    forceBackward = false,
  }: Pick<TakenOptions<CompileOptions>, "root" | "level" | "stages" | "layers" | "shapes" | "forceBackward">,
  { phase, seed }: Required<Pick<CompileOptions, "phase" | "seed">>,
) {
  const state = { phase, level, stages };
  const { definition: whole, root } = await readDefinition(net, given, state, layers);
  const selected = selectLayers(whole, state);
  const definition = forceBackward
    ? { ...selected, net: amend(selected.net, { force_backward: true }) }
    : selected;
  const feeds = await openFeeds(definition, { root, phase, seed, shapes, layers });
  /** `rows`: for other numbers of rows than at first, where these depend on values. */
  const lower = (rows?: readonly number[]): LoweredNet =>
    lowerDefinition(definition, { phase, shapes, feedShapes: feeds.shapes, types: layers, rows });
  return { definition, root, feeds, lower };
}
