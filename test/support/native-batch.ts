import { createHash } from "node:crypto";
import type { RealType } from "../../codegen/ir/real.js";
import type { Program } from "../../codegen/kernel/kernel.js";
import { nativePreamble } from "../../codegen/targets/native/native-preamble.js";
import { nativeTarget } from "../../codegen/targets/native/native-target.js";
import { renderNative } from "../../codegen/targets/native/render-native.js";
import type { Addon } from "../../native/addon.js";
import { present } from "../../proto/errors/index.js";
import type { Device } from "../../runtime/device.js";
import { createNativeDevice } from "../../runtime/devices/native/native-device.js";
import { createNativeExecutor } from "../../runtime/devices/native/native-executor.js";
import { type BuiltModule, buildNativeModules } from "../../runtime/devices/native/native-modules.js";

/** Target native for many small programs. */
export interface NativeBatch {
  /** Loads programs that were compiled; compiles others then, each alone. */
  readonly device: Device;
  /** Compiles the kernels of all programs together: of small ones a compiler's start is most of the time. */
  compile(programs: readonly Program[]): Promise<void>;
}

/** Where the kernels of a program are: from the `first` of those that modules were made of. */
interface Compiled {
  readonly modules: readonly BuiltModule[];
  readonly first: number;
}

export function nativeBatch(addon: Addon, dtype: RealType): NativeBatch {
  /** By the hash of a program's text. */
  const compiled = new Map<string, Compiled>();
  const keyOf = (program: Program): string =>
    createHash("sha256").update(nativeTarget.render(program, dtype).text).digest("hex");
  const compile = async (programs: readonly Program[]): Promise<void> => {
    const fresh = new Map(programs.map((program) => [keyOf(program), program] as const));
    for (const key of fresh.keys()) if (compiled.has(key)) fresh.delete(key);
    const first = new Map<string, number>();
    let count = 0;
    const kernels = [...fresh].flatMap(([key, program]) => {
      first.set(key, count);
      return program.kernels.map((kernel) => ({
        ...renderNative(kernel, count++, dtype),
        note: kernel.note,
      }));
    });
    const preamble = nativePreamble(
      dtype,
      kernels.map(({ source }) => source),
    );
    const modules = await buildNativeModules(kernels, preamble);
    for (const [key, from] of first) compiled.set(key, { modules, first: from });
  };
  return {
    compile,
    device: {
      ...createNativeDevice(dtype),
      async load(program, params, { threads }) {
        await compile([program]);
        const { modules, first } = present(compiled.get(keyOf(program)), "what was just compiled");
        // Numbers of the program's kernels; those of other programs are none of its own.
        const own = modules.map(({ path, kernels }) => ({ path, kernels: kernels.map((n) => n - first) }));
        return createNativeExecutor({
          ...{ addon, params, threads },
          modules: own.filter(({ kernels }) => kernels.some((n) => n >= 0 && n < program.kernels.length)),
          kernels: program.kernels,
          schedule: program,
          scratchBytes: nativeTarget.scratchBytes(program),
        });
      },
      // Each is made anew: what is tested is the program, not the way it was kept.
      find: undefined,
    },
  };
}
