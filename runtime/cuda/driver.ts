import { type Addon, type Cuda, type DeviceProperties, openAddon } from "../../native/addon.js";
import { userError } from "../../src/errors/index.js";

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

/** One device of a driver. */
export interface FoundDevice {
  readonly driver: FoundDriver;
  readonly ordinal: number;
  readonly properties: DeviceProperties;
  /** "sm_90". */
  readonly architecture: string;
}

/** The dynamic loader's name; under WSL the file lies where loaders do not always look. */
const NAMES: readonly string[] = ["libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"];
const OLDEST_DRIVER = 12;
const OLDEST_CAPABILITY = 75;

const architectureOf = ({ major, minor }: DeviceProperties): string => `sm_${major}${minor}`;

/** By what CORTADO_DRIVER says. */
const known = new Map<string, FoundDriver>();

/** Opens the driver; once it is open it stays so. */
export function findDriver(): DriverSearch {
  const name = process.env["CORTADO_DRIVER"] ?? "";
  const found = known.get(name);
  if (found) return { found };
  const search = searchDriver();
  if (search.found) known.set(name, search.found);
  return search;
}

/** Looks anew: `CORTADO_DRIVER` where it is set (and nothing else), then the usual names. */
export function searchDriver(): DriverSearch {
  const opened = openAddon();
  if (!opened.addon) return { why: opened.why };
  const { addon } = opened;
  const given = process.env["CORTADO_DRIVER"];
  const failures: string[] = [];
  for (const path of given ? [given] : NAMES) {
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
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  return reasonOf(failures, given);
}

/** The failures of every file that was tried, in words. */
function reasonOf(failures: readonly string[], given: string | undefined): DriverSearch {
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
  if (given) return { why: `CORTADO_DRIVER is ${JSON.stringify(given)}, and ${failures[0]}` };
  const present = failures.find((failure) => !failure.includes("No such file"));
  return {
    why: present ?? "this machine has no NVIDIA driver (libcuda.so.1)",
    hint: "a GPU by NVIDIA and its driver are needed to run on it; the targets ts and emulator run without",
  };
}

/**
 * A device to run on. Which ones there are, and their order, is the driver's business (CUDA_VISIBLE_DEVICES).
 *
 * @throws a user error where the addon, the driver or the device is missing or too old
 */
export function requireDevice(ordinal = 0): FoundDevice {
  const search = findDriver();
  if (!search.found) throw userError(`target "cuda" cannot run here: ${search.why}`, search.hint);
  const { found: driver } = search;
  const properties = driver.devices[ordinal];
  if (!properties)
    throw userError(
      driver.devices.length === 0
        ? `target "cuda" cannot run here: NVIDIA's driver finds no GPU that it may use`
        : `there is no GPU ${ordinal}: the driver has ${driver.devices.length}, numbered from 0`,
      "if the machine has one, look at CUDA_VISIBLE_DEVICES",
    );
  if (properties.major * 10 + properties.minor < OLDEST_CAPABILITY)
    throw userError(
      `${properties.name} is too old: its compute capability is ${properties.major}.${properties.minor}, and 7.5 is the oldest that is supported`,
    );
  return { driver, ordinal, properties, architecture: architectureOf(properties) };
}
