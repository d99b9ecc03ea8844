import type { Program } from "../../codegen/kernel.js";
import { checkModule, transpile, writeModule } from "../../codegen/module.js";
import { type TargetDescription, tsTarget } from "../../codegen/target.js";
import type { ProgramTable } from "../../runtime/artefact/tables.js";
import { InternalError, userError } from "../errors/index.js";
import { type Literal, literal } from "./literal.js";
import type { BuildOptions, BuildTarget } from "./options.js";

/** What a target adds to a built module. */
export interface TargetParts {
  /** Modules whose names the text uses. */
  readonly entries: readonly URL[];
  /** Whether they import modules of Node's. */
  readonly node: boolean;
  /**
   * Statements that declare `openDevice`, a function from the module's files to its device. What the module knows of
   * the net is in `tables`.
   */
  readonly text: string;
  /** Further files, by their path in the folder. */
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array }[];
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
  readonly name: BuildTarget;
  /** One or, where a build serves several architectures, one for each. */
  readonly descriptions: readonly TargetDescription[];
  /** `variants`: one for each description. */
  emit(variants: readonly Variant[]): Promise<TargetParts>;
}

export function artefactTarget({ target = "ts" }: Pick<BuildOptions, "target" | "arch">): ArtefactTarget {
  switch (target) {
    case "ts":
      return { name: "ts", descriptions: [tsTarget], emit: emitTypeScript };
    case "cuda":
      throw userError("This version of Cortado builds no cuda artefacts", "use --target ts");
    default:
      return target satisfies never;
  }
}

/** Kernels as JavaScript, type-checked before their types are taken off. */
async function emitTypeScript([{ programs, tables }]: readonly Variant[]): Promise<TargetParts> {
  const [program] = programs;
  const source = writeModule(program, { dtype: "float32" });
  const [fault] = await checkModule(source);
  if (fault) throw new InternalError(`the generated kernels do not pass the type check: ${fault}`);
  const extents = literal(program.kernels.map(({ parallel }) => parallel.extent));
  return {
    entries: [new URL("../../runtime/artefact/ts-device.js", import.meta.url)],
    node: false,
    text: [
      `const kernels = (() => {\n${transpile(source)}})();`,
      `const extents = ${extents};`,
      `const programs = ${literal(tables as unknown as Literal)};`,
      "const openDevice = () => openTsDevice(tables, programs, { functions: kernels, extents });",
    ].join("\n\n"),
    files: [],
  };
}
