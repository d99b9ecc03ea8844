import type { RealType } from "../../codegen/ir/real.js";
import { InternalError, orList, userError } from "../../proto/errors/index.js";
import { showBytes } from "../../proto/words/amounts.js";
import type { Device } from "../../runtime/device.js";
import { DEVICES } from "../../runtime/devices/index.js";
import type { CompiledNet } from "./compiled-net.js";
import { describeMemory, type NetMemory, totalMemory } from "./net-memory.js";

/** Opens the device of a target. @throws CortadoError where it is not there, or has no such numbers */
export async function openDevice(
  { name }: Pick<CompiledNet["target"], "name">,
  { dtype }: { readonly dtype: RealType },
): Promise<Device> {
  const found = DEVICES.find((device) => device.name === name);
  if (!found) throw new InternalError(`there is no device ${name}`);
  if (!found.target.dtypes.includes(dtype)) {
    const able = DEVICES.filter(({ offered, target }) => offered && target.dtypes.includes(dtype));
    throw userError(
      `Target ${name} computes in ${orList(found.target.dtypes)}`,
      `use target ${orList(able.map((device) => `"${device.name}"`))} for dtype "${dtype}"`,
    );
  }
  return found.open({ dtype });
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
