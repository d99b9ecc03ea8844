import type { RealType } from "../../codegen/ir/real.js";
import { InternalError, orList, userError } from "../../proto/errors/index.js";
import { showBytes } from "../../proto/words/amounts.js";
import type { Device } from "../../runtime/device.js";
import type { DeviceRecord } from "../../runtime/devices/device-record.js";
import { DEVICES, type DeviceName } from "../../runtime/devices/index.js";
import type { CompiledNet } from "./compiled-net.js";
import { describeMemory, type NetMemory, totalMemory } from "./net-memory.js";

/** What a net asks of the numbers of a device. */
export interface NumberOptions {
  readonly dtype: RealType;
  readonly fma: "auto" | "never";
}

/** What of that a device does not have, in words that follow its name; undefined where it has all. */
export function lackOf(
  { target, roundsApart }: Pick<DeviceRecord, "target" | "roundsApart">,
  { dtype, fma }: NumberOptions,
): { readonly lack: string; readonly wanted: string } | undefined {
  if (!target.dtypes.includes(dtype))
    return { lack: `computes in ${orList(target.dtypes)}`, wanted: `dtype "${dtype}"` };
  if (fma === "never" && !roundsApart)
    return { lack: "takes multiply-add where the machine has it", wanted: 'fma "never"' };
  return undefined;
}

/** What is known of a device. */
export function deviceRecord(name: DeviceName): DeviceRecord {
  const found = DEVICES.find((device) => device.name === name);
  if (!found) throw new InternalError(`there is no device ${name}`);
  return found;
}

/** Opens the device of a target. @throws CortadoError where it is not there, or has no such numbers */
export async function openDevice(
  { name }: Pick<CompiledNet["target"], "name">,
  numbers: NumberOptions,
): Promise<Device> {
  const found = deviceRecord(name);
  const missing = lackOf(found, numbers);
  if (missing) {
    const able = DEVICES.filter((device) => device.offered && !lackOf(device, numbers));
    throw userError(
      `Target ${name} ${missing.lack}`,
      `use target ${orList(able.map((device) => `"${device.name}"`))} for ${missing.wanted}`,
    );
  }
  return found.open({ dtype: numbers.dtype, apart: numbers.fma === "never" });
}

/**
 * One net's hold on a device. Nets that share parameters share their device: the one that opened it may be closed
 * before the others, so the device is closed when its last holder is. Every parameter lives until then, also those
 * of the borrowers.
 */
export interface DeviceHold {
  readonly device: Device;
  /**
   * Sets aside what the net will take, until the hold is closed.
   *
   * @throws CortadoError where that does not fit beside what other nets on the device have set aside
   */
  reserve(memory: NetMemory): void;
  /** A further net's hold. @throws CortadoError where this one has been closed */
  share(): DeviceHold;
  /** Again does nothing. */
  close(): Promise<void>;
}

/** The first hold on a device. */
export function holdDevice(device: Device): DeviceHold {
  let holders = 0;
  let taken = 0;
  const hold = (): DeviceHold => {
    let open = true;
    let own = 0;
    holders++;
    return {
      device,
      reserve(memory) {
        const { parameters, blobs, history } = memory;
        const bytes = device.hostMemory ? totalMemory(memory) : parameters + blobs + history;
        const beside = taken > 0 ? `, beside ${showBytes(taken)} of nets that share parameters,` : "";
        device.checkMemory(taken + bytes, `the net's ${describeMemory(memory)}${beside}`);
        own += bytes;
        taken += bytes;
      },
      share() {
        if (!open) throw userError("The net whose parameters are to be shared has been closed");
        return hold();
      },
      async close() {
        if (!open) return;
        open = false;
        taken -= own;
        if (--holders === 0) await device.close();
      },
    };
  };
  return hold();
}
