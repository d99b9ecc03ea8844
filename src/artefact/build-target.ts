import { tsTarget } from "../../codegen/targets/index.js";
import { checkModule, transpile } from "../../codegen/targets/ts/ts-module.js";
import { InternalError } from "../../proto/errors/index.js";
import { type CudaCompiler, cudaArtefact, DEFAULT_ARCHITECTURES, nvrtcCompiler } from "./build-cuda.js";
import type { BuildOptions } from "./build-options.js";
import { type Literal, literal } from "./literal.js";
import type { ArtefactTarget, TargetParts, Variant } from "./target-parts.js";

/**
 * @param compiler for `cuda`, in place of NVRTC
 * @throws CortadoError where what a target needs to build for it is not there
 */
export async function artefactTarget(
  { target = "ts", arch }: Pick<BuildOptions, "target" | "arch">,
  compiler?: CudaCompiler,
): Promise<ArtefactTarget> {
  switch (target) {
    case "ts":
      return { target: tsTarget, descriptions: [tsTarget.describe()], emit: emitTypeScript };
    case "cuda":
      return cudaArtefact(arch ?? DEFAULT_ARCHITECTURES, compiler ?? (await nvrtcCompiler()));
    default:
      return target satisfies never;
  }
}

/** Kernels as JavaScript, type-checked before their types are taken off. */
async function emitTypeScript([{ programs, tables }]: readonly Variant[]): Promise<TargetParts> {
  const [program] = programs;
  const source = tsTarget.render(program, "float32").text;
  const [fault] = await checkModule(source);
  if (fault) throw new InternalError(`the generated kernels do not pass the type check: ${fault}`);
  const extents = literal(program.kernels.map(({ parallel }) => parallel.extent));
  return {
    entries: [new URL("../../runtime/artefact/artefact-ts-device.js", import.meta.url)],
    node: false,
    options: [],
    text: [
      `const kernels = (() => {\n${transpile(source)}})();`,
      `const extents = ${extents};`,
      `const programs = ${literal(tables as unknown as Literal)};`,
      "const openDevice = () => openTsDevice(tables, programs, { functions: kernels, extents });",
    ].join("\n\n"),
    files: [],
  };
}
