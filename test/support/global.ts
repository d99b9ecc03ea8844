import { buildAddon } from "../../native/build.mjs";

/** Once, before all test files: the addon, where there is a C++ compiler. Who needs it says when it is not there. */
export default async function setup(): Promise<void> {
  if (!process.env["CORTADO_ADDON"]) await buildAddon();
}
