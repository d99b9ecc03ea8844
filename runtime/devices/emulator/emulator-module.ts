import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InternalError } from "../../../proto/errors/index.js";
import { type Cache, openCache } from "../../cache.js";
import { requireCompiler } from "../host/host-compiler.js";
import { buildSharedObject, KERNEL_OPTIONS } from "../host/shared-object.js";
import { type EmulatedKernel, emulatorSource } from "./emulator-source.js";

export interface EmulatorOptions {
  /** With the detectors of native/emulator/README.md; default true. */
  readonly checked?: boolean;
  /**
   * What should be fast; default `build`. `build`: -Og, for programs that run a few times. `run`: -O2, three times as
   * fast and three times as long to build. Both give the same bits.
   */
  readonly favour?: "build" | "run";
  /** Where the module is kept; default the user's cache. */
  readonly cache?: Cache;
}

const OPTIONS: readonly string[] = [
  ...KERNEL_OPTIONS,
  // The stacks of the emulator's threads have 256 KiB.
  "-Werror=frame-larger-than=196608",
];
const FAVOURS: Readonly<Record<"build" | "run", readonly string[]>> = {
  build: ["-Og"],
  run: ["-O2", "-ftree-vectorize"],
};

/**
 * Compiles kernels for the emulator with the system's C++ compiler, in a process of its own, or finds them compiled.
 *
 * @returns the path of a host module (native/addon.ts `hostOpen`), whose kernel `i` is `kernels[i]`
 * @throws a user error where there is no C++ compiler; an internal one where the kernels do not compile
 */
export async function buildEmulatorModule(
  kernels: readonly EmulatedKernel[],
  options: EmulatorOptions = {},
): Promise<string> {
  const compiler = await requireCompiler("the emulator");
  const flags = [
    ...OPTIONS,
    ...FAVOURS[options.favour ?? "build"],
    ...((options.checked ?? true) ? [] : ["-DCORTADO_UNCHECKED"]),
  ];
  return buildSharedObject(
    { source: emulatorSource(kernels), flags, headers: { folder: headerFolder(), names: HEADERS } },
    {
      compiler,
      cache: options.cache ?? (await openCache()),
      fault: (log) =>
        new InternalError(`kernels for the emulator do not compile with ${compiler.path}:\n${log}`),
    },
  );
}

/** The emulator: `cortado.h`, and what it includes. */
const HEADERS = ["cortado.h", "fibres.h", "checks.h", "launch.h"] as const;

/** The folder of the emulator's `cortado.h`: beside the sources, or two folders up from the compiled ones. */
function headerFolder(): string {
  const near = ["../../../native/emulator", "../../../../native/emulator"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = near.find((path) => existsSync(join(path, "cortado.h")));
  if (found === undefined) throw new InternalError(`the emulator's cortado.h is not in ${dirname(near[0])}`);
  return found;
}
