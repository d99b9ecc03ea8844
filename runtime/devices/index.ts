import { cudaTarget, nativeTarget } from "../../codegen/targets/index.js";
import { openAddon } from "../../native/addon.js";
import { cudaAvailability } from "./cuda/available.js";
import { createCudaDevice } from "./cuda/cuda-device.js";
import { record } from "./device-record.js";
import { createEmulatorDevice } from "./emulator/emulator-device.js";
import { engineDevices } from "./engine-devices.js";
import { createNativeDevice, nativeAvailability } from "./native/native-device.js";
import { keptWasmPrograms } from "./wasm/wasm-programs.js";

/**
 * Every device that nets run on, the slowest first: `auto` takes the last that is offered and works. Names, choices and
 * help texts derive from this list.
 */
export const DEVICES = [
  ...engineDevices(keptWasmPrograms),
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
