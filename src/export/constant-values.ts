import { type Node, type Root, sizeOf } from "../../codegen/ir/graph.js";
import type { Initializer } from "../../codegen/onnx/onnx-graph.js";
import { parameterIn } from "../../codegen/onnx/render-onnx.js";
import { present } from "../../proto/errors/present.js";
import type { Device, ParamStore } from "../../runtime/device.js";
import type { LoweredNet } from "../layers/index.js";
import { optionsFor } from "../net/load-program.js";
import { makeProgram } from "../net/programs.js";

/** A net whose parameters lie somewhere. */
export interface ConstantSource {
  readonly lowered: LoweredNet;
  readonly params: ParamStore;
  /** Where they lie. */
  readonly device: Device;
}

/**
 * What the constants of a graph come to: parameters are read, and what is computed of them is computed where they lie.
 */
export async function constantValues(
  initializers: readonly Initializer[],
  { lowered, params, device }: ConstantSource,
): Promise<(initializer: Initializer) => Float32Array | BigInt64Array> {
  const nodes = initializers.flatMap(({ data }) => ("node" in data ? [data.node] : []));
  const values = new Map<Node, Float32Array>();
  const computed = [...new Set(nodes)].filter((node) => parameterIn(node) === undefined);
  for (const node of nodes) {
    const index = parameterIn(node)?.index;
    if (index === undefined) continue;
    // What a solver keeps beside the parameters begins with zeros.
    const memory = params.memories[index];
    values.set(node, memory ? Float32Array.from(await memory.read()) : new Float32Array(sizeOf(node.shape)));
  }
  if (computed.length > 0) {
    const roots = computed.map((node, i): Root => ({ role: "value", blob: String(i), node }));
    const options = optionsFor(device, params.dtype, 0);
    const { program, roots: places } = makeProgram({ roots }, lowered.builder, options);
    const executor = await device.load(program, params, { threads: 1, describe: () => "constants" });
    try {
      await executor.run("prepare");
      await executor.run("forward");
      for (const { root, place } of places)
        if (root.role === "value")
          values.set(computed[Number(root.blob)], Float32Array.from(await executor.read(place)));
    } finally {
      await executor.close();
    }
  }
  return ({ data }) => ("node" in data ? present(values.get(data.node), "a constant's values") : data);
}
