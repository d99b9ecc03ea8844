import { tsTarget, wasmTarget } from "../../codegen/targets/index.js";
import { record } from "./device-record.js";
import { createTsDevice } from "./ts/ts-device.js";
import { createWasmDevice, type WasmPrograms, wasmAvailability } from "./wasm/wasm-device.js";

/** The devices that any engine of JavaScript is, in Node and in a browser. @param kept where programs of `wasm` are kept */
export const engineDevices = (kept?: WasmPrograms) =>
  [
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
      open: ({ apart }) => createWasmDevice({ apart, kept }),
    }),
  ] as const;
