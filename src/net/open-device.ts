import type { RealType } from "../../codegen/ir/real.js";
import { type CortadoError, userError } from "../../proto/errors/index.js";
import type { Device } from "../../runtime/device.js";
import { createCudaDevice } from "../../runtime/devices/cuda/cuda-device.js";
import { createEmulatorDevice } from "../../runtime/devices/emulator/emulator-device.js";
import { createTsDevice } from "../../runtime/devices/ts/ts-device.js";
import type { CompiledNet } from "./compiled-net.js";

/** Opens the device of a target. @throws CortadoError where it is not there, or has no such numbers */
export async function openDevice(
  target: CompiledNet["target"],
  { dtype }: { readonly dtype: RealType },
): Promise<Device> {
  switch (target.name) {
    case "ts":
      return createTsDevice(dtype);
    case "emulator":
      if (dtype !== "float32") throw onlyFloat32(target.name);
      return createEmulatorDevice();
    case "cuda":
      if (dtype !== "float32") throw onlyFloat32(target.name);
      return createCudaDevice();
    case "native":
      throw userError("This version of Cortado has no native target", 'use target "ts" (or "auto")');
    default:
      return target.name satisfies never;
  }
}

const onlyFloat32 = (target: string): CortadoError =>
  userError(`Target ${target} computes in float32`, 'use target "ts" for dtype "float64"');

/**
 * One net's hold on a device. Nets that share parameters share their device: the one that opened it may be closed
 * before the others, so the device is closed when its last holder is. Every parameter lives until then, also those
 * of the borrowers.
 */
export interface DeviceHold {
  readonly device: Device;
  /** A further net's hold. @throws CortadoError where this one has been closed */
  share(): DeviceHold;
  /** Again does nothing. */
  close(): Promise<void>;
}

/** The first hold on a device. */
export function holdDevice(device: Device): DeviceHold {
  let holders = 0;
  const hold = (): DeviceHold => {
    let open = true;
    holders++;
    return {
      device,
      share() {
        if (!open) throw userError("The net whose parameters are to be shared has been closed");
        return hold();
      },
      async close() {
        if (!open) return;
        open = false;
        if (--holders === 0) await device.close();
      },
    };
  };
  return hold();
}
