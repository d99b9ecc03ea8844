/** Kernel threads that end where they should not: whoever waits is told, and nothing hangs. */
import { expect, it } from "vitest";
import type { HostKernels, LaunchableProgram } from "../../../../runtime/devices/threads/host-kernels.js";
import { startWorker } from "../../../../runtime/devices/threads/start-worker.js";
import { createWorkerExecutor } from "../../../../runtime/devices/threads/worker-executor.js";

const ITERATIONS = 100;
/** Takes some milliseconds. */
const BUSY = "for (const end = performance.now() + 10; performance.now() < end; );";

/** A program of one kernel, made of a function body on each of two threads. */
function executorOf(body: (thread: number) => string): ReturnType<typeof createWorkerExecutor> {
  const program = {
    prepare: [],
    forward: [{ kernel: 0, args: [] }],
    backward: [],
    copies: [],
    kernels: [{ flops: 1e9, bytes: 0, parallel: { extent: ITERATIONS } }],
  } as unknown as LaunchableProgram;
  const kernels: HostKernels = {
    open: () => [],
    codeOf: (thread) => ({ source: body(thread), filename: "kernels.js" }),
    perMillisecond: 1,
  };
  const memory = { arena: new SharedArrayBuffer(0), params: [], dtype: "float32" } as const;
  return createWorkerExecutor(program, memory, kernels, { threads: 2, start: startWorker });
}

it.each([
  [
    "throws",
    'throw new Error("the kernel is wrong")',
    /A kernel thread failed: Error: the kernel is wrong \(kernel 0, thread 1 of 2\)/,
  ],
  ["ends its thread", "process.exit(3)", /A kernel thread failed: its worker ended with code 3/],
])("a kernel that %s", async (_, statement, said) => {
  // The other thread leaves it something to do, and waits for it then.
  const executor = await executorOf((thread) => `return [() => { ${thread === 1 ? statement : BUSY} }];`);
  await expect(executor.run("forward")).rejects.toThrow(said);
  await expect(executor.run("forward")).rejects.toThrow(said);
  await executor.close();
});

it("kernels that cannot be made", async () => {
  await expect(executorOf((thread) => (thread === 1 ? "return [" : "return [];"))).rejects.toThrow(
    /A kernel thread failed: Unexpected end of input/,
  );
});

it("a pass that is on when the program is closed is done first", async () => {
  const executor = await executorOf(() => `return [() => { ${BUSY} }];`);
  const pass = executor.run("forward");
  await executor.close();
  await expect(Promise.race([pass, Promise.reject(new Error("still on"))])).resolves.toBeUndefined();
});
