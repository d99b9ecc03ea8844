/** Cortado as one of the peers: its process compiles the net for the target that the task names as its mode. */
import { readFile } from "node:fs/promises";
import type { DeviceName } from "../../runtime/devices/index.js";
import { type CompiledNet, compile } from "../../src/index.js";
import { forwardBackward } from "../forward-backward.js";
import { readInput, serve } from "./serve.js";
import type { Pass, Task } from "./task.js";

await serve(async (task: Task) => {
  const text = await readFile(task.prototxt, "utf8");
  const make = (phase: "TRAIN" | "TEST"): Promise<CompiledNet> =>
    compile(text, {
      phase,
      target: task.mode as DeviceName,
      threads: task.threads,
      weights: task.weights,
    });
  const nets: Partial<Record<Pass, CompiledNet>> = {};
  /** Compiled when first asked for: a run of one pass does not keep the other's memory. */
  const netOf = async (pass: Pass): Promise<CompiledNet> => {
    nets[pass] ??= await make(pass === "forward" ? "TEST" : "TRAIN");
    return nets[pass];
  };
  const values = Object.fromEntries(
    await Promise.all(
      Object.entries(task.inputs).map(async ([name, path]) => [name, await readInput(path)] as const),
    ),
  );
  const inputsOf = (net: CompiledNet): Record<string, Float32Array> =>
    Object.fromEntries(net.inputs.map((name) => [name, values[name]]));
  return {
    passes: ["forward", "step"],
    async run(pass) {
      const net = await netOf(pass);
      if (pass === "forward") await net.forward(inputsOf(net));
      else await forwardBackward(net, inputsOf(net));
    },
    async values(pass) {
      const net = await netOf(pass);
      const outputs = await net.forward(inputsOf(net));
      if (pass === "forward") return [...outputs[net.outputs[0]]];
      const loss = Object.entries(net.lossWeights).reduce(
        (sum, [blob, weight]) => sum + weight * outputs[blob][0],
        0,
      );
      const [first] = task.nets.step.layers.filter(({ params }) => params.length > 0);
      const { params } = await net.backward();
      return [loss, ...params[first.name][0]];
    },
  };
});
