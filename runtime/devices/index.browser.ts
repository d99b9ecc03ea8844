import { engineDevices } from "./engine-devices.js";

/** Every device that nets run on in a browser, the slowest first: `auto` takes the last that works. */
export const DEVICES = engineDevices();

export type DeviceName = (typeof DEVICES)[number]["name"];
