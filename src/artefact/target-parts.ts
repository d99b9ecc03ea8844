import type { TargetDescription } from "../../codegen/ir/target-description.js";
import type { Program } from "../../codegen/kernel/kernel.js";
import type { Target, TargetName } from "../../codegen/targets/index.js";
import type { Manifest } from "../../runtime/artefact/manifest.js";
import type { ProgramTable } from "../../runtime/net/program-table.js";

/** What a target adds to a built module. */
export interface TargetParts {
  /**
   * Statements that declare `openDevice`, a function from the module's files, and what the caller of `load` says, to
   * its device. What the module knows of the net is in `tables`.
   */
  readonly text: string;
  /** Options of `load` that the target has beside the others. */
  readonly options: readonly { readonly name: string; readonly type: string; readonly about: string }[];
  /** Further files, by their path in the folder. */
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
  /** For the manifest, where kernels are for processors of some kinds. */
  readonly processors?: Manifest["processors"];
}

/** The programs of a net as one device description wants them; all have the same kernels. */
export interface Variant {
  readonly description: TargetDescription;
  readonly programs: readonly Program[];
  /** What the module must know of each. */
  readonly tables: readonly ProgramTable[];
}

/** How a target is built for: the devices that programs are lowered for, and what becomes of their kernels. */
export interface ArtefactTarget {
  readonly target: Target<TargetName>;
  /** One or, where a build serves several architectures, one for each. */
  readonly descriptions: readonly TargetDescription[];
  /**
   * @param variants one for each description
   * @param parameters elements of each, as `Tables` has them
   */
  emit(variants: readonly Variant[], parameters: readonly number[]): Promise<TargetParts>;
}
