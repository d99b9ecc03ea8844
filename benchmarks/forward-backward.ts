import type { CompiledNet } from "../src/index.js";
import { internalsOf } from "../src/net/internals.js";
import type { CompiledRunner } from "../src/net/load-program.js";

/** The program of a net that has run. */
export function runnerOf(net: CompiledNet): CompiledRunner {
  const runner = internalsOf(net)?.running.current()?.runner;
  if (!runner) throw new Error("a net that has run has no program");
  return runner;
}

/**
 * A training step without its update, as Caffe's own: the gradients stay where they are, where `backward()` would copy all
 * of them to the caller.
 */
export async function forwardBackward(
  net: CompiledNet,
  inputs: Readonly<Record<string, Float32Array>>,
): Promise<void> {
  await net.forward(inputs);
  const runner = runnerOf(net);
  await runner.backward();
  // A device may have queued its work only: it is done when something of it is read.
  await runner.read("gradient", 0);
}
