import type { RealType } from "../../codegen/ir/real.js";
import {
  cudaTarget,
  nativeTarget,
  type Target,
  type TargetName,
  tsTarget,
  wasmTarget,
} from "../../codegen/targets/index.js";
import { openAddon } from "../../native/addon.js";
import type { Device } from "../device.js";
import type { Availability } from "./availability.js";
import { cudaAvailability } from "./cuda/available.js";
import { createCudaDevice } from "./cuda/cuda-device.js";
import { createEmulatorDevice } from "./emulator/emulator-device.js";
import { createNativeDevice, nativeAvailability } from "./native/native-device.js";
import { createTsDevice } from "./ts/ts-device.js";
import { createWasmDevice, wasmAvailability } from "./wasm/wasm-device.js";
import { keptWasmPrograms } from "./wasm/wasm-programs.js";

/** All that is known of a device before it is opened. */
export interface DeviceRecord<Name extends string = string> {
  readonly name: Name;
  /** What its programs are compiled for. */
  readonly target: Target<TargetName>;
  /** Whether people are told of it; one that is not is chosen by name only. */
  readonly offered: boolean;
  /** Cheap: it opens nothing. */
  availability(): Promise<Availability>;
  /** @throws CortadoError that says what is missing where it does not work here */
  open(options: { readonly dtype: RealType }): Promise<Device>;
}

const record = <const Name extends string>(one: DeviceRecord<Name>): DeviceRecord<Name> => one;

/**
 * Every device that nets run on, the slowest first: `auto` takes the last that is offered and works. Names, choices and
 * help texts derive from this list.
 */
export const DEVICES = [
  record({
    name: "ts",
    target: tsTarget,
    offered: true,
    availability: async () => ({ works: true, why: "it runs anywhere" }),
    open: async ({ dtype }) => createTsDevice(dtype),
  }),
  record({
    name: "wasm",
    target: wasmTarget,
    offered: true,
    availability: wasmAvailability,
    open: () => createWasmDevice(keptWasmPrograms),
  }),
  record({
    name: "native",
    target: nativeTarget,
    offered: true,
    availability: nativeAvailability,
    open: async ({ dtype }) => createNativeDevice(dtype),
  }),
  record({
    name: "cuda",
    target: cudaTarget,
    offered: true,
    availability: cudaAvailability,
    open: () => createCudaDevice(),
  }),
  // The CUDA target's kernels under detectors, for tests.
  record({
    name: "emulator",
    target: cudaTarget,
    offered: false,
    async availability() {
      const opened = openAddon();
      return opened.addon
        ? { works: true, why: "CUDA kernels on this processor" }
        : { works: false, why: opened.why };
    },
    open: async () => createEmulatorDevice(),
  }),
] as const;

export type DeviceName = (typeof DEVICES)[number]["name"];
