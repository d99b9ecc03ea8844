import type { Compiler } from "../../runtime/devices/cuda/cuda-device.js";
import { buildEmulatorModule } from "../../runtime/devices/emulator/emulator-module.js";

/** In place of NVRTC: for each kernel an image that the driver's double loads, text that names the emulator's module. */
export const emulated: Compiler = async (kernels) => {
  const path = await buildEmulatorModule(kernels, { favour: "build" });
  return kernels.map(({ symbol, source }, i) => {
    const parameters = source.match(/^KERNEL\(\d+\) \w+\((.*)\) \{$/m)?.[1].split("Global<").length ?? 1;
    return {
      cubin: new TextEncoder().encode(`CORTADO-DOUBLE:${path}\n${symbol} ${i} ${parameters - 1}\n\0`),
    };
  });
};
