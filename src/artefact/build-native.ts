import { nativeTarget } from "../../codegen/targets/index.js";
import { architecturesNamed } from "../../codegen/targets/lane-description.js";
import {
  NATIVE_ARCHITECTURES,
  type NativeArchitecture,
} from "../../codegen/targets/native/native-description.js";
import { present, userError } from "../../proto/errors/index.js";
import type { NativeModuleFile, NativeTables } from "../../runtime/artefact/native-tables.js";
import { openCache } from "../../runtime/cache.js";
import { type HostCompiler, requireCompiler } from "../../runtime/devices/host/host-compiler.js";
import { readSharedObject } from "../../runtime/devices/host/shared-object.js";
import { describeProcessor } from "../../runtime/devices/native/native-device.js";
import { buildNativeModules } from "../../runtime/devices/native/native-modules.js";
import { writtenPrograms } from "../../runtime/devices/native/native-programs.js";
import { type AddonFile, readAddon } from "./addon-file.js";
import type { BuiltFile } from "./folder.js";
import { type Literal, literal } from "./literal.js";
import { PROCESSOR_LEVELS, processorOptions } from "./processor-levels.js";
import type { ArtefactTarget, TargetParts, Variant } from "./target-parts.js";
import { threadsOption } from "./threads-option.js";

/**
 * A build for processors of some architectures: for each its own programs, since vectors differ, with shared objects of
 * kernels that need no compiler; and the addon of this machine's platform.
 *
 * @param wanted default: this machine's own architecture
 * @throws CortadoError for an architecture of other machines than this, and without the addon or a compiler
 */
export async function nativeArtefact(wanted?: readonly string[]): Promise<ArtefactTarget> {
  const addon = await readAddon("native");
  const own = addon.addon.processor().architecture;
  const architectures = architecturesNamed(NATIVE_ARCHITECTURES, wanted ?? [own]).map(requireOwnMachine);
  const compiler = await requireCompiler("a build for native");
  return {
    target: nativeTarget,
    // Of its own processor a machine knows the caches: what is built for it is what is compiled on it, to the bit.
    descriptions: architectures.map((name) =>
      name === own ? describeProcessor(addon.addon) : nativeTarget.describe(name),
    ),
    emit: (variants) => emitNative(variants, architectures, compiler, addon),
  };
}

/** @throws a user error for an architecture that this machine's compiler makes no code for */
function requireOwnMachine(name: NativeArchitecture): NativeArchitecture {
  const { machine } = PROCESSOR_LEVELS[name];
  if (machine === process.arch) return name;
  const here = Object.entries(PROCESSOR_LEVELS).flatMap(([other, level]) =>
    level.machine === process.arch ? [other] : [],
  );
  throw userError(
    `${name} is of ${machine} processors, and this machine is ${process.arch}: kernels are compiled on a machine of their kind`,
    here.length > 0 ? `here there is ${here.join(", ")}` : undefined,
  );
}

async function emitNative(
  variants: readonly Variant[],
  architectures: readonly NativeArchitecture[],
  compiler: HostCompiler,
  addon: AddonFile,
): Promise<TargetParts> {
  const files: BuiltFile[] = [addon.file];
  const tables: NativeTables["variants"][number][] = [];
  for (const [i, architecture] of architectures.entries()) {
    const { programs, tables: programTables } = variants[i];
    const built = await buildVariant(variants[i], architecture, compiler);
    files.push(...built.files);
    tables.push({
      architecture,
      features: PROCESSOR_LEVELS[architecture].features,
      ...writtenPrograms(programs, programTables, built.modules),
    });
  }
  const native: NativeTables = { addons: [addon.entry], variants: tables };
  return {
    options: [threadsOption("one for each core that the process may use")],
    text: [
      `const native = ${literal(native as unknown as Literal)};`,
      "const openDevice = (files, options) =>\n" +
        '  openNativeDevice(tables, native, files, options, new URL("./", import.meta.url));',
    ].join("\n\n"),
    files,
    processors: tables.map(({ architecture, features, modules }) => ({
      architecture,
      features,
      files: modules.map(({ path }) => path),
    })),
  };
}

/** The kernels in the vectors of one architecture; all programs of a variant have the same. */
async function buildVariant(
  { programs: [program] }: Variant,
  architecture: NativeArchitecture,
  compiler: HostCompiler,
): Promise<{ readonly modules: readonly NativeModuleFile[]; readonly files: readonly BuiltFile[] }> {
  const cache = await openCache();
  const { units, preamble = "" } = nativeTarget.render(program, "float32");
  const kernels = units.map((unit, i) => ({ ...unit, note: program.kernels[i].note }));
  const processor = processorOptions(PROCESSOR_LEVELS[architecture], compiler);
  const compiled = await buildNativeModules(kernels, preamble, { compiler, cache, processor });
  const modules = compiled.map((module, i) => ({
    path: `kernels/${architecture}/${i}.so`,
    kernels: module.kernels,
  }));
  const files = compiled.map(async (module, i) => ({
    path: modules[i].path,
    bytes: present(await readSharedObject(cache, module.path), "a module that was compiled"),
  }));
  return { modules, files: await Promise.all(files) };
}
