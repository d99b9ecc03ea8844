import { test } from "vitest";
import type { Device } from "../../../runtime/device.js";
import { createEmulatorDevice } from "../../../runtime/devices/emulator/emulator-device.js";
import { createTsDevice } from "../../../runtime/devices/ts/ts-device.js";
import { createWasmDevice } from "../../../runtime/devices/wasm/wasm-device.js";
import { checkCopies } from "../../support/copies.js";
import { addonForTests } from "../../support/native.js";

const addon = await addonForTests();

test.each<readonly [name: string, threads: number, open: () => Device | Promise<Device>]>([
  ["ts", 1, () => createTsDevice("float32")],
  ["ts in two threads", 2, () => createTsDevice("float32")],
  ["wasm", 1, () => createWasmDevice()],
  ["wasm in two threads", 2, () => createWasmDevice()],
  ...(addon ? ([["the emulator", 1, createEmulatorDevice]] as const) : []),
])("%s carries out a pass's copies with that pass alone", async (_, threads, open) =>
  checkCopies(await open(), threads),
);
