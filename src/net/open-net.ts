import type { RealType } from "../../codegen/ir/real.js";
import type { LoweredNet } from "../layers/index.js";
import { type NetDef, selectLayers } from "../net-text/index.js";
import { checkOptions } from "./check-options.js";
import { chooseTarget } from "./choose-target.js";
import type { CompileOptions } from "./compile-options.js";
import type { CompiledNet } from "./compiled-net.js";
import { type NetConstant, readConstants } from "./constants.js";
import { type Feeds, openFeeds } from "./feeds.js";
import { lowerDefinition } from "./lower-definition.js";
import { type DeviceHold, holdDevice, openDevice } from "./open-device.js";
import { readDefinition } from "./read-definition.js";
import { type Lent, lentBy } from "./share.js";
import { openSinks, type Sinks } from "./sinks.js";

/** Of fillers, dropout and random crops, where nobody gave one. */
const DEFAULT_SEED = 1701;

/** A net as graph, with the data and the device that it is to run on. Nothing of it is allocated. */
export interface OpenNet {
  /** With the layers of its phase. */
  readonly definition: NetDef;
  /** The folder that relative paths start from. */
  readonly root: string;
  readonly target: CompiledNet["target"];
  readonly phase: "TRAIN" | "TEST";
  readonly seed: number;
  readonly threads: number;
  readonly dtype: RealType;
  readonly lowered: LoweredNet;
  /** The same net for other numbers of rows, where these depend on values. */
  readonly lower: (rows: readonly number[]) => LoweredNet;
  readonly constants: readonly NetConstant[];
  readonly feeds: Feeds;
  readonly sinks: Sinks;
  readonly lent: Lent | undefined;
  readonly hold: DeviceHold;
}

/** Reads a net, opens what its data layers read and lowers it. Whatever fails, nothing stays open. */
export async function openNet(net: string | NetDef, options: CompileOptions): Promise<OpenNet> {
  checkOptions(options);
  const { phase = "TEST", seed = DEFAULT_SEED, threads = 1, dtype = "float32", shapes, layers } = options;
  const lent = options.share && lentBy(options.share);
  const target = await chooseTarget(options, lent?.hold.device.name);
  const state = { phase, level: options.level, stages: options.stages };
  const { definition: whole, root } = await readDefinition(net, options.root, state, layers);
  const definition = selectLayers(whole, state);
  const feeds = await openFeeds(definition, { root, phase, seed, shapes, layers });
  try {
    const lower = (rows?: readonly number[]): LoweredNet =>
      lowerDefinition(definition, { phase, shapes, feedShapes: feeds.shapes, types: layers, rows });
    const lowered = lower();
    const constants = await readConstants(lowered, root);
    const sinks = await openSinks(lowered, root);
    const hold = lent ? lent.hold.share() : holdDevice(await openDevice(target, { dtype }));
    const settings = { phase, seed, threads, dtype };
    return { definition, root, target, ...settings, lowered, lower, constants, feeds, sinks, lent, hold };
  } catch (error) {
    await feeds.close();
    throw error;
  }
}
