import { tsTarget, wasmTarget } from "../../codegen/targets/index.js";
import { record } from "./device-record.js";
import { createTsDevice } from "./ts/ts-device.js";
import { createWasmDevice, wasmAvailability } from "./wasm/wasm-device.js";

/** Every device that nets run on in a browser, the slowest first: `auto` takes the last that works. */
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
    open: ({ apart }) => createWasmDevice({ apart }),
  }),
] as const;

export type DeviceName = (typeof DEVICES)[number]["name"];
