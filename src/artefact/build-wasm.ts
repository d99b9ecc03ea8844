import { launchableOf } from "../../codegen/kernel/launch.js";
import { wasmTarget } from "../../codegen/targets/index.js";
import { architecturesNamed } from "../../codegen/targets/lane-description.js";
import { MOST_PAGES, PAGE } from "../../codegen/targets/wasm/module-interface.js";
import { wasmBytes } from "../../codegen/targets/wasm/render-wasm.js";
import { WASM_ARCHITECTURES, type WasmArchitecture } from "../../codegen/targets/wasm/wasm-description.js";
import { userError } from "../../proto/errors/index.js";
import { showBytes } from "../../proto/words/amounts.js";
import { layoutOf, type WasmPrograms, type WasmTables } from "../../runtime/artefact/wasm-tables.js";
import { workerText } from "../../runtime/devices/threads/worker-text.js";
import { probesFor } from "../../runtime/devices/wasm/vectors.js";
import type { BuiltFile } from "./folder.js";
import { type Literal, literal, stringLiteral } from "./literal.js";
import type { ArtefactTarget, TargetParts, Variant } from "./target-parts.js";
import { THREADS_OPTION } from "./threads-option.js";

/** What engines must have, as compilers name it. */
const FEATURES: Readonly<Record<WasmArchitecture, readonly string[]>> = {
  simd128: ["simd128"],
  relaxed: ["simd128", "relaxed-simd"],
  memory64: ["simd128", "relaxed-simd", "memory64"],
};

/**
 * Memory that threads share is refused to pages that are not isolated from others: loading makes of these modules those
 * that share it (`withSharedMemory`), where it can be had.
 */
const SHARED = false;

/**
 * A build for engines of WebAssembly: for each architecture a module.
 *
 * @param wanted default: all that there are
 */
export async function wasmArtefact(
  wanted: readonly string[] = Object.keys(WASM_ARCHITECTURES),
): Promise<ArtefactTarget> {
  const architectures = architecturesNamed(WASM_ARCHITECTURES, wanted);
  return {
    target: wasmTarget,
    descriptions: architectures.map(wasmTarget.describe),
    emit: async (variants, parameters) => emitWasm(variants, architectures, parameters, workerText()),
  };
}

function emitWasm(
  variants: readonly Variant[],
  architectures: readonly WasmArchitecture[],
  parameters: readonly number[],
  threads: string,
): TargetParts {
  const files: BuiltFile[] = [];
  const lists = new Map<string, { readonly number: number; readonly list: WasmPrograms }>();
  const tables = architectures.map((architecture, i) => {
    const list = programsOf(variants[i]);
    requireAddresses(parameters, list);
    // Programs whose kernels differ in how they round have the same tables.
    const key = literal(list as unknown as Literal);
    const { number } = lists.get(key) ?? { number: lists.size };
    lists.set(key, { number, list });
    const [program] = variants[i].programs;
    const { fma } = WASM_ARCHITECTURES[architecture];
    const path = `kernels/${architecture}.wasm`;
    files.push({ path, bytes: wasmBytes(program, { fused: fma, shared: SHARED }) });
    return { architecture, features: FEATURES[architecture], path, list: number };
  });
  const { sum, fused, shared } = probesFor(SHARED);
  const wasm: WasmTables = {
    probes: { sum: base64(sum), fused: base64(fused), shared },
    lists: [...lists.values()].map(({ list }) => list),
    variants: tables,
  };
  const places = tables.map(
    ({ architecture, path }) => `  ${architecture}: new URL("${path}", import.meta.url),\n`,
  );
  return {
    options: [THREADS_OPTION],
    text: [
      `const wasm = ${literal(wasm as unknown as Literal)};`,
      `const modules = {\n${places.join("")}};`,
      `const threadText = ${stringLiteral(threads)};`,
      "const openDevice = (files, options) => openWasmDevice(tables, { wasm, modules, threadText }, files, options);",
    ].join("\n\n"),
    files,
    processors: tables.map(({ architecture, features, path }) => ({
      architecture,
      features,
      files: [path],
    })),
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** All programs of a variant have the same kernels. */
function programsOf({ programs: [program], tables }: Variant): WasmPrograms {
  return {
    programs: tables,
    kernels: program.kernels.map(launchableOf),
    scratchBytes: wasmTarget.scratchBytes(program),
  };
}

/** @throws a user error where a net has more memory than addresses reach: it could run nowhere */
function requireAddresses(parameters: readonly number[], list: WasmPrograms): void {
  const { pages } = layoutOf(parameters, list);
  if (pages > MOST_PAGES)
    throw userError(
      `the parameters and the blobs need ${showBytes(pages * PAGE)}, and a memory of WebAssembly has at most ${showBytes(MOST_PAGES * PAGE)}`,
      "a smaller batch, or smaller layers, need less; the targets ts and native have no such bound",
    );
}
