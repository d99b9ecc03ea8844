import type { Addon, Cuda, DeviceProperties } from "../../../native/addon.js";
import { userError } from "../../../proto/errors/index.js";
import { quotedPath } from "../../../proto/words/names.js";
import { messageOf } from "../../../proto/words/trouble.js";

/** The driver, opened, and what it finds. */
export interface FoundDriver {
  readonly addon: Addon;
  readonly cuda: Cuda;
  readonly path: string;
  /** The CUDA version that it knows. */
  readonly version: readonly [major: number, minor: number];
  /** Empty on a machine that has a driver and no device that it may use. */
  readonly devices: readonly DeviceProperties[];
}

export type DriverSearch =
  | { readonly found: FoundDriver }
  | { readonly found?: undefined; readonly why: string; readonly hint?: string };

export interface FoundDevice {
  readonly driver: FoundDriver;
  readonly ordinal: number;
  readonly properties: DeviceProperties;
  /** "sm_90". */
  readonly architecture: string;
}

/** The dynamic loader's name; under WSL the file lies where loaders do not always look. */
const DRIVER_NAMES: readonly string[] = ["libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"];
const OLDEST_DRIVER = 12;
/** The oldest compute capability that nets run on: 75 is 7.5, sm_75. */
export const OLDEST_CAPABILITY = 75;

/**
 * Opens the driver: `CORTADO_DRIVER` where it is set (and nothing else), then the usual names.
 *
 * @param without what runs on a machine that has none, for the hint
 */
export function openDriver(addon: Addon, without: string): DriverSearch {
  const given = process.env["CORTADO_DRIVER"];
  const failures: string[] = [];
  for (const path of given ? [given] : DRIVER_NAMES) {
    try {
      const cuda = addon.cudaOpen(path);
      const number = addon.cudaDriverVersion(cuda);
      const version = [Math.floor(number / 1000), Math.floor((number % 1000) / 10)] as const;
      if (version[0] < OLDEST_DRIVER)
        return {
          why: `NVIDIA's driver is too old: it knows CUDA ${version.join(".")}, and ${OLDEST_DRIVER}.0 is needed`,
          hint: "install a driver of branch 525 or newer",
        };
      return { found: { addon, cuda, path, version, devices: addon.cudaDevices(cuda) } };
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  return reasonOf(failures, given, without);
}

/** The failures of every file that was tried, in words. */
function reasonOf(failures: readonly string[], given: string | undefined, without: string): DriverSearch {
  const noDevice = failures.find((failure) => failure.includes("CUDA_ERROR_NO_DEVICE"));
  if (noDevice !== undefined)
    return {
      why: "NVIDIA's driver finds no GPU that it may use",
      hint: "if the machine has one, look at CUDA_VISIBLE_DEVICES",
    };
  const lacks = failures.find((failure) => failure.includes("has no symbol cu"));
  if (lacks !== undefined)
    return {
      why: `NVIDIA's driver is too old, or is no driver: ${lacks}`,
      hint: "install a driver of branch 525 or newer",
    };
  if (given) return { why: `CORTADO_DRIVER is ${quotedPath(given)}, and ${failures[0]}` };
  const present = failures.find((failure) => !failure.includes("No such file"));
  return {
    why: present ?? "this machine has no NVIDIA driver (libcuda.so.1)",
    hint: `a GPU by NVIDIA and its driver are needed to run on it; ${without}`,
  };
}

/**
 * A device to run on. Which ones there are, and their order, is the driver's business (CUDA_VISIBLE_DEVICES).
 *
 * @param cannot begins the message where there is none at all: `target "cuda" cannot run here`
 * @throws a user error where the device is missing or too old
 */
export function pickDevice(driver: FoundDriver, ordinal: number, cannot: string): FoundDevice {
  const properties = driver.devices[ordinal];
  if (!properties)
    throw userError(
      driver.devices.length === 0
        ? `${cannot}: NVIDIA's driver finds no GPU that it may use`
        : `there is no GPU ${ordinal}: the driver has ${driver.devices.length}, numbered from 0`,
      "if the machine has one, look at CUDA_VISIBLE_DEVICES",
    );
  const { name, major, minor } = properties;
  if (major * 10 + minor < OLDEST_CAPABILITY)
    throw userError(
      `${name} is too old: its compute capability is ${major}.${minor}, and 7.5 is the oldest that is supported`,
    );
  return { driver, ordinal, properties, architecture: `sm_${major}${minor}` };
}
