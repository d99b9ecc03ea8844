import { createHash } from "node:crypto";
import { CUDA_HEADER, CUDA_OPTIONS } from "../../../codegen/targets/cuda/cuda-header.js";
import { InternalError, present, userError } from "../../../proto/errors/index.js";
import { type Cache, openCache } from "../../cache.js";
import { firstLines } from "../compiler-log.js";
import { eachInParallel } from "../each-in-parallel.js";
import { type FoundNvrtc, requireArchitecture } from "./nvrtc.js";
import { type KernelResources, parseResources } from "./resources.js";

/** A kernel as codegen renders it: a translation unit of its own. */
export interface CudaKernel {
  readonly symbol: string;
  readonly source: string;
  /** What it computes, for people: operation and shapes. */
  readonly note: string;
}

/** A kernel compiled for one architecture. */
export interface Cubin {
  readonly cubin: Uint8Array;
  /** SHA-256 of the cubin, hexadecimal. */
  readonly hash: string;
  /** What the compiler wrote. */
  readonly log: string;
  /** Undefined where this NVRTC does not tell. */
  readonly resources: KernelResources | undefined;
}

export interface CompileKernelsOptions {
  /** "sm_90". */
  readonly arch: string;
  readonly nvrtc: FoundNvrtc;
  /** Default: the user's. */
  readonly cache?: Cache;
}

const HEADER_NAME = "cortado.h";
const SUFFIX = ".cubin";

/**
 * Compiles each kernel, or finds it in the cache, by its source, header, options, architecture and NVRTC's version.
 * All at once, as far as there are cores.
 *
 * @returns cubins in the order of the kernels; equal sources give one and the same
 * @throws a user error where NVRTC does not know the architecture, fails, or is needed though CORTADO_NO_COMPILE is 1;
 *   an internal one where a kernel does not compile
 */
export async function compileKernels(
  kernels: readonly CudaKernel[],
  { arch, nvrtc, cache: given }: CompileKernelsOptions,
): Promise<readonly Cubin[]> {
  requireArchitecture(nvrtc, arch);
  if (kernels.length === 0) return [];
  const cache = given ?? (await openCache());
  const options = [...CUDA_OPTIONS, `--gpu-architecture=${arch}`, "--ptxas-options=-v"];
  const keyed = kernels.map((kernel) => ({ kernel, key: keyOf(kernel.source, options, nvrtc.version) }));
  const done = new Map<string, Cubin>();
  await eachInParallel([...new Map(keyed.map((one) => [one.key, one])).values()], async ({ kernel, key }) => {
    done.set(key, await cubinOf(kernel, key, options, nvrtc, cache));
  });
  return keyed.map(({ key }) => present(done.get(key), "a cubin"));
}

/** Of strings and numbers only, so JSON tells any two apart. */
const keyOf = (source: string, options: readonly string[], version: readonly number[]): string =>
  sha256(JSON.stringify([source, CUDA_HEADER, options, version]));

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

async function cubinOf(
  kernel: CudaKernel,
  key: string,
  options: readonly string[],
  { addon, nvrtc }: FoundNvrtc,
  cache: Cache,
): Promise<Cubin> {
  const kept = await cache.read(key, SUFFIX);
  const known = kept && unpack(kept);
  if (known) return known;
  if (process.env["CORTADO_NO_COMPILE"] === "1")
    throw userError(
      `kernel ${kernel.symbol} (${kernel.note}) would have to be compiled, and CORTADO_NO_COMPILE is set`,
    );
  const headers = [[HEADER_NAME, CUDA_HEADER]] as const;
  const outcome = await addon
    .nvrtcCompile(nvrtc, kernel.source, kernel.symbol, headers, options)
    .catch((error: Error): never => {
      throw userError(`NVRTC did not compile kernel ${kernel.symbol} (${kernel.note}): ${error.message}`);
    });
  const log = outcome.log.replace(/\0+$/, "");
  if (!outcome.cubin) throw new InternalError(describe(kernel, log));
  const { cubin } = outcome;
  const compiled: Cubin = { cubin, hash: sha256(cubin), log, resources: parseResources(log) };
  // What cannot be kept is compiled again next time: no reason to fail.
  await cache.store(key, SUFFIX, pack(compiled)).catch(() => undefined);
  return compiled;
}

function describe({ symbol, note }: CudaKernel, log: string): string {
  return `kernel ${symbol} (${note}) does not compile:\n${firstLines(log)}`;
}

/** One entry of the cache: the length of a JSON text (32 bits, little-endian), the text, the cubin. */
function pack({ cubin, log, resources }: Cubin): Uint8Array {
  const text = Buffer.from(JSON.stringify({ log, resources }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, cubin]);
}

/** The cache has checked the bytes; what was never packed here is still not there. */
function unpack(bytes: Uint8Array): Cubin | undefined {
  try {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = 4 + view.readUInt32LE(0);
    const facts = JSON.parse(view.toString("utf8", 4, end)) as Pick<Cubin, "log" | "resources">;
    const cubin = Uint8Array.prototype.slice.call(view, end);
    return { cubin, hash: sha256(cubin), log: facts.log, resources: facts.resources };
  } catch {
    return undefined;
  }
}
