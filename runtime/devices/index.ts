import { cudaTarget, nativeTarget, tsTarget, wasmTarget } from "../../codegen/targets/index.js";
import { openAddon } from "../../native/addon.js";
import { cudaAvailability } from "./cuda/available.js";
import { createCudaDevice } from "./cuda/cuda-device.js";
import { record } from "./device-record.js";
import { createEmulatorDevice } from "./emulator/emulator-device.js";
import { createNativeDevice, nativeAvailability } from "./native/native-device.js";
import { createTsDevice } from "./ts/ts-device.js";
import { createWasmDevice, wasmAvailability } from "./wasm/wasm-device.js";
import { keptWasmPrograms } from "./wasm/wasm-programs.js";

/**
 * Every device that nets run on, the slowest first: `auto` takes the last that is offered and works. Names, choices and
 * help texts derive from this list.
 */
export const DEVICES = [
  record({
    name: "ts",
    target: tsTarget,
    offered: true,
    rate: 2,
    compiles: false,
    roundsApart: true,
    availability: async () => ({ works: true, why: "it runs anywhere" }),
    open: async ({ dtype }) => createTsDevice(dtype),
  }),
  record({
    name: "wasm",
    target: wasmTarget,
    offered: true,
    rate: 30,
    compiles: false,
    roundsApart: true,
    availability: wasmAvailability,
    open: ({ apart }) => createWasmDevice({ apart, kept: keptWasmPrograms }),
  }),
  record({
    name: "native",
    target: nativeTarget,
    offered: true,
    rate: 70,
    compiles: true,
    roundsApart: false,
    availability: nativeAvailability,
    open: async ({ dtype }) => createNativeDevice(dtype),
  }),
  record({
    name: "cuda",
    target: cudaTarget,
    offered: true,
    rate: 5000,
    compiles: false,
    roundsApart: false,
    availability: cudaAvailability,
    open: () => createCudaDevice(),
  }),
  // The CUDA target's kernels under detectors, for tests.
  record({
    name: "emulator",
    target: cudaTarget,
    offered: false,
    rate: 0.01,
    compiles: false,
    roundsApart: false,
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
