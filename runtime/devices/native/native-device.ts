// Throwaway until the runtime's own is there.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import type { RealType } from "../../../codegen/ir/real.js";
import type { Launch } from "../../../codegen/kernel/kernel.js";
import { nativeTarget } from "../../../codegen/targets/native/native-target.js";
import { type HostMemory, openAddon } from "../../../native/addon.js";
import type { Device, Executor } from "../../device.js";
import { allocateShared, checkMemory } from "../../memory.js";
import { accessTo, copiesIn, viewOf } from "../ts/inline-executor.js";
import { allocateParam } from "../ts/ts-memory.js";

export function createNativeDevice(dtype: RealType): Device {
  const { addon } = openAddon();
  if (!addon) throw new Error("no addon");
  return {
    target: nativeTarget,
    description: nativeTarget.describe("avx2"),
    hostMemory: true,
    checkMemory,
    allocate: (elements) => allocateParam(dtype, elements),
    async load(program, params) {
      const { text, units, preamble } = nativeTarget.render(program, dtype);
      const scratch = nativeTarget.scratchBytes(program) + 64;
      const source = `${preamble}\n${units.map((u) => u.source).join("\n")}
struct View { void* data; unsigned long elements; };
alignas(64) static char scratch_[${scratch}];
typedef void (*Fn)(void* const*, long, long, char*);
static const Fn table[] = {${units.map((u) => u.symbol).join(",")}${units.length ? "" : "nullptr"}};
extern "C" __attribute__((visibility("default"))) const char* cortado_run(unsigned kernel, const View* args, unsigned count, unsigned blocks, unsigned) {
  void* m[64]; for (unsigned i = 0; i < count; i++) m[i] = args[i].data;
  table[kernel](m, 0, blocks, scratch_); return nullptr; }`;
      const key = createHash("sha256").update(source).digest("hex").slice(0, 20);
      mkdirSync("/tmp/nat/cache", { recursive: true });
      const so = `/tmp/nat/cache/${key}.so`;
      if (!existsSync(so)) {
        writeFileSync(`/tmp/nat/cache/${key}.cc`, source);
        execFileSync(
          "g++",
          [
            "-std=c++17",
            "-O2",
            "-march=native",
            "-ffp-contract=off",
            "-fno-math-errno",
            "-fno-trapping-math",
            "-fno-exceptions",
            "-fno-rtti",
            "-fPIC",
            "-shared",
            "-w",
            "-o",
            so,
            `/tmp/nat/cache/${key}.cc`,
          ],
          { stdio: "pipe" },
        );
      }
      const module = addon.hostOpen(so);
      const arena = allocateShared(program.arenaBytes, "the blobs");
      new Uint8Array(arena).fill(0xff);
      const memory = { arena, params: params.memories, dtype: params.dtype };
      const copy = copiesIn(program, memory);
      const planOf = (launches: readonly Launch[]) =>
        addon.hostPlan(
          module,
          launches.map(({ kernel, args }) => ({
            kernel,
            blocks: program.kernels[kernel].parallel.extent,
            threads: 1,
            args: args.map((at) => viewOf(at, memory) as HostMemory),
          })),
        );
      const plans = {
        prepare: planOf(program.prepare),
        forward: planOf(program.forward),
        backward: planOf(program.backward),
      };
      const times = { prepare: [] as number[], forward: [] as number[], backward: [] as number[] };
      const executor: Executor = {
        async run(pass) {
          times[pass] = [...(await addon.hostRun(plans[pass]))];
          copy(pass);
        },
        ...accessTo(memory),
        times: (pass) => times[pass],
        async close() {},
      };
      return { source: text, executor };
    },
    async close() {},
  };
}
