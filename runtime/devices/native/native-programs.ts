import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Program } from "../../../codegen/kernel/kernel.js";
import { launchableOf } from "../../../codegen/kernel/launch.js";
import { nativeTarget } from "../../../codegen/targets/native/native-target.js";
import type { NativeVariant } from "../../artefact/native-tables.js";
import { openCache } from "../../cache.js";
import { codeIdentity } from "../../code-identity.js";
import { readKeptJson } from "../../kept-json.js";
import type { ProgramTable } from "../../net/program-table.js";
import { findCompiler } from "../host/host-compiler.js";
import { findSharedObject, identityOf } from "../host/shared-object.js";
import { type BuiltModule, flagsFor, type NativeModuleOptions } from "./native-modules.js";

/** What is written down of programs with one list of kernels: in a build, and where programs are kept. */
export type WrittenPrograms = Pick<NativeVariant, "modules" | "kernels" | "programs">;

/** @param tables one for each program */
export const writtenPrograms = (
  programs: readonly Program[],
  tables: readonly ProgramTable[],
  modules: WrittenPrograms["modules"],
): WrittenPrograms => ({
  modules,
  kernels: programs[0].kernels.map(launchableOf),
  programs: programs.map((program, i) => ({
    scratchBytes: nativeTarget.scratchBytes(program),
    table: tables[i],
  })),
});

const SUFFIX = ".json";

/**
 * What determines a program beside `key`, which says what it computes and for which vectors: this code, and the compiler with
 * its options.
 */
async function entryOf(key: string, { compiler: given, processor }: NativeModuleOptions) {
  const compiler = given ?? (await findCompiler());
  if (!compiler) return undefined;
  const identity = [codeIdentity(), ...identityOf({ flags: flagsFor(compiler), processor }, compiler)];
  return createHash("sha256")
    .update(JSON.stringify([...identity, key]))
    .digest("hex");
}

/** Keeps a program whose kernels have been compiled: modules by the names of their entries in the cache. */
export async function keepProgram(
  program: Program,
  modules: readonly BuiltModule[],
  { key, table }: { readonly key: string; readonly table: ProgramTable },
  options: NativeModuleOptions,
): Promise<void> {
  const entry = await entryOf(key, options);
  if (entry === undefined) return;
  const cache = options.cache ?? (await openCache());
  const named = modules.map(({ path, kernels }) => ({ path: basename(path), kernels }));
  const written = writtenPrograms([program], [table], named);
  await cache.store(entry, SUFFIX, Buffer.from(JSON.stringify(written)));
}

/** A program that was kept, with its modules' paths; undefined where it is not there, or one of its modules is not. */
export async function findProgram(
  key: string,
  options: NativeModuleOptions,
): Promise<WrittenPrograms | undefined> {
  const entry = await entryOf(key, options);
  if (entry === undefined) return undefined;
  const cache = options.cache ?? (await openCache());
  const bytes = await cache.read(entry, SUFFIX);
  const written =
    bytes &&
    readKeptJson<WrittenPrograms>(
      bytes,
      ({ modules, kernels, programs }) =>
        [modules, kernels, programs].every(Array.isArray) &&
        (programs as Partial<WrittenPrograms["programs"]>)[0]?.table !== undefined,
    );
  if (!written) return undefined;
  const modules: BuiltModule[] = [];
  for (const { path: name, kernels } of written.modules) {
    const path = await findSharedObject(cache, name);
    if (path === undefined) return undefined;
    modules.push({ path, kernels });
  }
  return { ...written, modules };
}
