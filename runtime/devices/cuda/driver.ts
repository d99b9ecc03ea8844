import { openAddon } from "../../../native/addon.js";
import { userError } from "../../../proto/errors/index.js";
import {
  type DriverSearch,
  type FoundDevice,
  type FoundDriver,
  openDriver,
  pickDevice,
} from "./open-driver.js";

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

/** Looks anew: see `openDriver`. */
export function searchDriver(): DriverSearch {
  const opened = openAddon();
  return opened.addon
    ? openDriver(opened.addon, "the targets ts and native run without")
    : { why: opened.why };
}

/**
 * A device to run on: see `pickDevice`.
 *
 * @throws a user error where the addon, the driver or the device is missing or too old
 */
export function requireDevice(ordinal = 0): FoundDevice {
  const cannot = 'target "cuda" cannot run here';
  const search = findDriver();
  if (!search.found) throw userError(`${cannot}: ${search.why}`, search.hint);
  return pickDevice(search.found, ordinal, cannot);
}
