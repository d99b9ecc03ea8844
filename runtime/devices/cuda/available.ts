import { CortadoError } from "../../../proto/errors/index.js";
import { requireDevice } from "./driver.js";
import { requireNvrtc } from "./nvrtc.js";

/** Whether nets can be compiled for a GPU of this machine and run on it: the GPU's name, or why not. */
export type CudaAvailability =
  | { readonly device: string; readonly why?: undefined }
  | { readonly device?: undefined; readonly why: string };

/** Looks for the addon, the driver, a GPU and NVRTC, in this order; stops at the first that is missing. */
export async function cudaAvailability(): Promise<CudaAvailability> {
  try {
    const { driver, properties } = requireDevice();
    await requireNvrtc(driver.version[0]);
    return { device: properties.name };
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    return { why: error.diagnostics.map(({ message }) => message).join("; ") };
  }
}
