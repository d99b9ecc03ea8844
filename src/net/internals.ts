import { userError } from "../../proto/errors/index.js";
import type { ParamStore } from "../../runtime/device.js";
import type { Running } from "../../runtime/net/running-net.js";
import type { LoweredNet } from "../layers/lower-net.js";
import type { CompiledNet } from "./compiled-net.js";
import type { Inspector } from "./inspect.js";
import type { DeviceHold } from "./open-device.js";
import type { CompiledCurrent } from "./row-programs.js";

/** What is behind a compiled net: for the solver, for sharing parameters, for the command line. */
export interface NetInternals {
  readonly lowered: LoweredNet;
  readonly params: ParamStore;
  readonly hold: DeviceHold;
  /** Blobs readable beside the outputs. */
  readonly keep: readonly string[];
  /** Parameters, by index, whose diffs a step leaves. */
  readonly diffsOfParams: readonly number[];
  readonly running: Running<CompiledCurrent>;
  /** Inputs that no data layer feeds. */
  readonly unfed: readonly string[];
  readonly inspector: Inspector | undefined;
}

const known = new WeakMap<CompiledNet, NetInternals>();

/** The internals of a net that this process compiled. */
export const internalsOf = (net: CompiledNet): NetInternals | undefined => known.get(net);

/** The internals of a net whose parameters are to be shared. @throws CortadoError for what is no net of this process */
export function lentBy(net: CompiledNet): NetInternals {
  const internals = internalsOf(net);
  if (!internals) throw userError("`share` takes a net that `compile` returned");
  return internals;
}

/** Called once, when a net is made. */
export const rememberInternals = (net: CompiledNet, internals: NetInternals): void =>
  void known.set(net, internals);
