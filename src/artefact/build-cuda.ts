import { launchShape, requireWhole } from "../../codegen/kernel/launch.js";
import { cudaTarget } from "../../codegen/targets/index.js";
import { userError } from "../../proto/errors/index.js";
import type { BuiltKernel, CudaTables } from "../../runtime/artefact/cuda-tables.js";
import { compileKernels } from "../../runtime/devices/cuda/compile-kernels.js";
import type { Compiler } from "../../runtime/devices/cuda/cuda-device.js";
import { requireArchitecture, requireNvrtc } from "../../runtime/devices/cuda/nvrtc.js";
import { OLDEST_CAPABILITY } from "../../runtime/devices/cuda/open-driver.js";
import { type AddonFile, readAddon } from "./addon-file.js";
import type { BuiltFile } from "./folder.js";
import { type Literal, literal } from "./literal.js";
import type { ArtefactTarget, TargetParts, Variant } from "./target-parts.js";

/** What makes the kernels of a build. */
export interface CudaCompiler {
  /** Of CUDA: a driver of an older major does not load what it makes. */
  readonly version: readonly [major: number, minor: number];
  /** @throws a user error where it does not compile for an architecture ("sm_90") */
  requireArchitecture(architecture: string): void;
  readonly compile: Compiler;
}

/** NVRTC, with the cache. @throws a user error where it, or the addon, is not there */
export async function nvrtcCompiler(): Promise<CudaCompiler> {
  const nvrtc = await requireNvrtc();
  return {
    version: nvrtc.version,
    requireArchitecture: (architecture) => requireArchitecture(nvrtc, architecture),
    compile: (kernels, arch) => compileKernels(kernels, { arch, nvrtc }),
  };
}

/**
 * A build for GPUs of some architectures: for each its own programs, since tiles differ, with a cubin per kernel; and
 * the addon of this machine's platform.
 *
 * @throws CortadoError for an architecture that is too old or unknown to the compiler, and without the addon
 */
export async function cudaArtefact(
  architectures: readonly string[],
  compiler: CudaCompiler,
): Promise<ArtefactTarget> {
  const wanted = [...new Set(architectures)];
  for (const architecture of wanted) {
    if (Number(/\d+/.exec(architecture)?.[0]) < OLDEST_CAPABILITY)
      throw userError(
        `${architecture} is too old: sm_${OLDEST_CAPABILITY} is the oldest architecture that nets run on`,
      );
    compiler.requireArchitecture(architecture);
  }
  const addon = await readAddon("cuda");
  return {
    target: cudaTarget,
    descriptions: wanted.map(cudaTarget.describe),
    emit: (variants) => emitCuda(variants, wanted, compiler, addon),
  };
}

async function emitCuda(
  variants: readonly Variant[],
  architectures: readonly string[],
  compiler: CudaCompiler,
  addon: AddonFile,
): Promise<TargetParts> {
  const files: BuiltFile[] = [addon.file];
  const tables: CudaTables["variants"][number][] = [];
  for (const [i, architecture] of architectures.entries()) {
    const built = await buildVariant(variants[i], architecture, compiler);
    files.push(...built.files);
    tables.push({ architecture, kernels: built.kernels, programs: variants[i].tables });
  }
  const cuda: CudaTables = { compiler: compiler.version, addons: [addon.entry], variants: tables };
  return {
    options: [
      {
        name: "device",
        type: "number",
        about: "Which GPU, among those that the driver shows, from 0. Default 0.",
      },
    ],
    text: [
      `const cuda = ${literal(cuda as unknown as Literal)};`,
      "const openDevice = (files, options) =>\n" +
        '  openCudaDevice(tables, cuda, files, options, new URL("./", import.meta.url));',
    ].join("\n\n"),
    files,
  };
}

/** The kernels for one architecture; all programs of a variant have the same. */
async function buildVariant(
  { programs }: Variant,
  architecture: string,
  { compile }: CudaCompiler,
): Promise<{ readonly kernels: readonly BuiltKernel[]; readonly files: readonly BuiltFile[] }> {
  for (const { prepare, forward, backward } of programs)
    [...prepare, ...forward, ...backward].forEach(requireWhole);
  const [program] = programs;
  const { kernels } = program;
  const { units } = cudaTarget.render(program, "float32");
  const cubins = await compile(
    units.map((unit, i) => ({ ...unit, note: kernels[i].note })),
    architecture,
  );
  const built = units.map(({ symbol }, i) => ({
    symbol,
    path: `kernels/${architecture}/${i}-${symbol}.cubin`,
    ...launchShape(kernels[i]),
    note: kernels[i].note,
  }));
  return { kernels: built, files: built.map(({ path }, i) => ({ path, bytes: cubins[i].cubin })) };
}
