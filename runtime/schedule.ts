import type { Program } from "../codegen/kernel/kernel.js";
import type { NetPass } from "../codegen/plan/plan.js";

/** What an executor reads of a program: kernels are named by their number. */
export type Schedule = Pick<Program, NetPass | "copies" | "arenaBytes">;
