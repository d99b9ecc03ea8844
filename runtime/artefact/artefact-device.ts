import type { NetPass } from "../../codegen/ir/graph.js";
import type { Argument } from "../../codegen/kernel/kernel.js";
import type { ProgramTable } from "../net/tables.js";

/** Runs one program where its target runs: all that the face of a built net asks of a device. */
export interface ArtefactProgram {
  /** Which one runs here: a target may have others for other devices. */
  readonly table: ProgramTable;
  /** Runs the launches of a pass, then the copies that end it. */
  run(pass: NetPass): Promise<void>;
  /** A copy. */
  read(place: Argument): Promise<Float32Array>;
  /** Writes all of a place: numbers in their order, or one number everywhere. */
  write(place: Argument, values: ArrayLike<number> | number): Promise<void>;
}

/** The programs of a net over one set of parameters, which are all 0 at first. */
export interface ArtefactDevice {
  readonly programs: readonly ArtefactProgram[];
  close(): Promise<void>;
}
