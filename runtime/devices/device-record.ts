import type { RealType } from "../../codegen/ir/real.js";
import type { Target, TargetName } from "../../codegen/targets/index.js";
import type { Device } from "../device.js";
import type { Availability } from "./availability.js";

export interface OpenOptions {
  readonly dtype: RealType;
  /** Of a device that can: products and sums are rounded apart. */
  readonly apart: boolean;
}

/** All that is known of a device before it is opened. */
export interface DeviceRecord<Name extends string = string> {
  readonly name: Name;
  /** What its programs are compiled for. */
  readonly target: Target<TargetName>;
  /** Whether people are told of it; one that is not is chosen by name only. */
  readonly offered: boolean;
  /** 10⁹ operations a second of products on one thread, about. */
  readonly rate: number;
  /** Whether a compiler of the system's makes its kernels, which takes a part of a second for each. */
  readonly compiles: boolean;
  /** Whether products and sums can be rounded apart there, whatever the machine has. */
  readonly roundsApart: boolean;
  /** Cheap: it opens nothing. */
  availability(): Promise<Availability>;
  /** @throws CortadoError that says what is missing where it does not work here */
  open(options: OpenOptions): Promise<Device>;
}

/** A record with its name as it is written. */
export const record = <const Name extends string>(one: DeviceRecord<Name>): DeviceRecord<Name> => one;
