import { launchableOf } from "../../codegen/kernel/launch.js";
import { TARGETS, type TargetName, tsTarget, wasmTarget } from "../../codegen/targets/index.js";
import { NATIVE_ARCHITECTURES } from "../../codegen/targets/native/native-description.js";
import { checkModule, transpile } from "../../codegen/targets/ts/ts-module.js";
import { WASM_ARCHITECTURES } from "../../codegen/targets/wasm/wasm-description.js";
import { InternalError } from "../../proto/errors/index.js";
import { workerText } from "../../runtime/devices/threads/worker-text.js";
import { type CudaCompiler, cudaArtefact, nvrtcCompiler } from "./build-cuda.js";
import { nativeArtefact } from "./build-native.js";
import { wasmArtefact } from "./build-wasm.js";
import { type Literal, literal, stringLiteral } from "./literal.js";
import type { ArtefactTarget, TargetParts, Variant } from "./target-parts.js";
import { THREADS_OPTION } from "./threads-option.js";

/** How a target is built for. */
interface Buildable {
  /** What a build for it is, in a few words. */
  readonly about: string;
  /** Of a target that has several architectures. */
  readonly architectures?: {
    /** The option that names those to build for. */
    readonly option: ArchitectureOption;
    /** All that there are, where they are few. */
    readonly names?: readonly string[];
    /** Those that are built for where nobody says which, for people. */
    readonly usual: string;
  };
  /** @throws CortadoError where what it needs to build is not there */
  make(
    architectures: readonly string[] | undefined,
    compiler: CudaCompiler | undefined,
  ): Promise<ArtefactTarget>;
}

/** Options that name architectures: of GPUs, of processors and engines. */
export const ARCHITECTURE_OPTIONS = ["arch", "cpu"] as const;
type ArchitectureOption = (typeof ARCHITECTURE_OPTIONS)[number];

/** A100 and H100, and by compatibility what is newer of their major versions. */
const USUAL_GPUS: readonly string[] = ["sm_80", "sm_90"];

/** For every target: how it is built for, or undefined where it cannot be. */
const BUILDS: { readonly [Name in TargetName]: Buildable | undefined } = {
  ts: {
    about: "JavaScript for Node and browsers",
    make: async () => ({ target: tsTarget, descriptions: [tsTarget.describe()], emit: emitTypeScript }),
  },
  wasm: {
    about: wasmTarget.about,
    architectures: { option: "cpu", names: Object.keys(WASM_ARCHITECTURES), usual: "all" },
    make: (architectures) => wasmArtefact(architectures),
  },
  native: {
    about: "kernels in a processor's vectors, for Node",
    architectures: { option: "cpu", names: Object.keys(NATIVE_ARCHITECTURES), usual: "this machine's" },
    make: (architectures) => nativeArtefact(architectures),
  },
  cuda: {
    about: "kernels of NVIDIA GPUs",
    architectures: { option: "arch", usual: USUAL_GPUS.join(",") },
    make: async (architectures = USUAL_GPUS, compiler) =>
      cudaArtefact(architectures, compiler ?? (await nvrtcCompiler())),
  },
};

/** Targets that can be built for, with what is known of each. */
export const BUILD_TARGETS: readonly (Omit<Buildable, "make"> & { readonly name: TargetName })[] =
  TARGETS.flatMap(({ name }) => {
    const build = BUILDS[name];
    return build ? [{ name, about: build.about, architectures: build.architectures }] : [];
  });

/**
 * @param compiler for `cuda`, in place of NVRTC
 * @throws CortadoError where what a target needs to build for it is not there
 */
export function artefactTarget(
  {
    target = "ts",
    ...given
  }: { readonly target?: TargetName } & { readonly [Name in ArchitectureOption]?: readonly string[] },
  compiler?: CudaCompiler,
): Promise<ArtefactTarget> {
  const build = BUILDS[target];
  if (!build) throw new InternalError(`target ${target} cannot be built for`);
  const { architectures } = build;
  return build.make(architectures && given[architectures.option], compiler);
}

/** The kernels for workers. Nothing that bundles net.js takes this for a module, which it might make another. */
const TEXT = "kernels/threads.txt";

/** Kernels as JavaScript, type-checked before their types are taken off. */
async function emitTypeScript([{ programs, tables }]: readonly Variant[]): Promise<TargetParts> {
  const [program] = programs;
  const source = tsTarget.render(program, "float32").text;
  const [fault] = await checkModule(source);
  if (fault) throw new InternalError(`the generated kernels do not pass the type check: ${fault}`);
  const kernels = program.kernels.map(launchableOf);
  const functions = transpile(source);
  return {
    options: [THREADS_OPTION],
    text: [
      `const functions = (() => {\n${functions}})();`,
      `const kernels = ${literal(kernels as unknown as Literal)};`,
      `const programs = ${literal(tables as unknown as Literal)};`,
      `const text = { path: "${TEXT}", at: new URL("${TEXT}", import.meta.url) };`,
      `const threadText = ${stringLiteral(workerText())};`,
      "const openDevice = (files, options) =>\n" +
        "  openTsDevice(tables, { programs, functions, kernels, text, threadText }, files, options);",
    ].join("\n\n"),
    files: [{ path: TEXT, bytes: new TextEncoder().encode(functions) }],
  };
}
