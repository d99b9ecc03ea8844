import { CortadoError } from "../../../proto/errors/index.js";
import type { Availability } from "../availability.js";
import { requireDevice } from "./driver.js";
import { requireNvrtc } from "./nvrtc.js";

/** Looks for the addon, the driver, a GPU and NVRTC, in this order; stops at the first that is missing. */
export async function cudaAvailability(): Promise<Availability> {
  try {
    const { driver, properties } = requireDevice();
    await requireNvrtc(driver.version[0]);
    return { works: true, why: `the fastest here, on ${properties.name}` };
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    return { works: false, why: error.diagnostics.map(({ message }) => message).join("; ") };
  }
}
