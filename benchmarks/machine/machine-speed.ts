/** What the machine can do at most, against which kernels are measured. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findCompiler } from "../../runtime/devices/host/host-compiler.js";
import { projectFile } from "../project-files.js";

const execute = promisify(execFile);

/** Of a number of threads together, per second. */
export interface MachineSpeed {
  readonly threads: number;
  /** Operations on float32, a multiply-add counting 2. */
  readonly flops: number;
  /** Bytes that are read from memory. */
  readonly read: number;
  /** Bytes that are copied, counted as read and as written. */
  readonly copy: number;
  /** How it was found. */
  readonly by: "multiply-adds from registers" | "a product by numpy";
}

/**
 * Measures the machine with each number of threads: by a program that the system's C++ compiler makes, else by numpy.
 * Undefined where there is neither.
 */
export async function measureMachine(
  threads: readonly number[],
): Promise<readonly MachineSpeed[] | undefined> {
  return (await byCompiler(threads)) ?? (await byNumpy(threads));
}

async function byCompiler(threads: readonly number[]): Promise<readonly MachineSpeed[] | undefined> {
  const compiler = await findCompiler();
  if (!compiler) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "cortado-bench-"));
  try {
    const program = join(folder, "machine_speed");
    const source = projectFile("benchmarks/machine/machine_speed.cc");
    const flags = ["-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-pthread"];
    await execute(compiler.path, [...compiler.words, ...flags, "-o", program, source]);
    const speeds: MachineSpeed[] = [];
    for (const count of threads)
      speeds.push(
        read(count, (await execute(program, [String(count)])).stdout, "multiply-adds from registers"),
      );
    return speeds;
  } catch {
    // A compiler that does not know this machine's flags: numpy may be here.
    return undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function byNumpy(threads: readonly number[]): Promise<readonly MachineSpeed[] | undefined> {
  const python = process.env["PEERS_PYTHON"] ?? "python3";
  const speeds: MachineSpeed[] = [];
  for (const count of threads) {
    const env = { ...process.env, OPENBLAS_NUM_THREADS: String(count), MKL_NUM_THREADS: String(count) };
    const script = projectFile("benchmarks/machine/machine_speed.py");
    const run = await execute(python, [script], { env }).catch(() => undefined);
    if (!run) return undefined;
    speeds.push(read(count, run.stdout, "a product by numpy"));
  }
  return speeds;
}

const read = (threads: number, line: string, by: MachineSpeed["by"]): MachineSpeed => ({
  threads,
  ...(JSON.parse(line) as Pick<MachineSpeed, "flops" | "read" | "copy">),
  by,
});

const giga = (perSecond: number): string => (perSecond / 1e9).toPrecision(3);

/** One line for people. */
export const formatSpeed = ({ threads, flops, read: reads, copy, by }: MachineSpeed): string =>
  `${threads} thread${threads > 1 ? "s" : ""}: ${giga(flops)} GFLOP/s (${by}), memory read at ${giga(reads)} GB/s, copied at ${giga(copy)} GB/s`;
