import type { Launchable } from "../../codegen/kernel/launch.js";
import type { Processor } from "../../native/addon.js";
import type { ProgramTable } from "../net/program-table.js";
import type { BuiltAddon } from "./built-addon.js";

/** What the `native` target adds to the tables. */
export interface NativeTables {
  /** What opens the kernels and runs them, for each platform that the build serves. */
  readonly addons: readonly BuiltAddon[];
  /** One for each architecture. */
  readonly variants: readonly NativeVariant[];
}

/** The net in the vectors of one architecture. */
export interface NativeVariant {
  readonly architecture: Processor["architecture"];
  /** What a processor must have, as compilers name it; none where all have it. */
  readonly features: readonly string[];
  readonly modules: readonly NativeModuleFile[];
  /** By number. */
  readonly kernels: readonly Launchable[];
  readonly programs: readonly NativeProgram[];
}

/** A shared object: kernel `i` of it has the number `kernels[i]`. */
export interface NativeModuleFile {
  /** In the folder. */
  readonly path: string;
  readonly kernels: readonly number[];
}

export interface NativeProgram {
  readonly table: ProgramTable;
  /** Memory of its own that each thread gives to a kernel. */
  readonly scratchBytes: number;
}
