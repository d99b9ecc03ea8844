import type { Node, Root } from "../../codegen/ir/graph.js";
import { present } from "../../proto/errors/present.js";
import type { Device, ParamStore } from "../../runtime/device.js";
import type { LoweredNet } from "../layers/lower-net.js";
import { optionsFor } from "../net/load-program.js";
import { makeProgram } from "../net/programs.js";
import type { Threads } from "../net/threads.js";

/** A net whose parameters lie somewhere. */
export interface GraphSource {
  readonly lowered: LoweredNet;
  readonly params: ParamStore;
  /** Where they lie. */
  readonly device: Device;
}

/** Values of a graph, made ready to be computed. */
export interface LoadedGraph {
  /** The graph's inputs that these values need, by their names in it. */
  readonly inputs: ReadonlySet<string>;
  /** Computes the values for these inputs; one that is not given stays what it was. Parameters are read when the graph is loaded. */
  run(inputs?: ReadonlyMap<string, Float32Array>): Promise<void>;
  /** What a value came to. */
  read(node: Node): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Compiles what computes these values. @param nodes each once */
export async function loadGraph(
  nodes: readonly Node[],
  { lowered: { builder }, params, device }: GraphSource,
  threads: Threads = { threads: 1, atMost: true },
): Promise<LoadedGraph> {
  const wanted = [...new Set(nodes)];
  const roots = wanted.map((node, i): Root => ({ role: "value", blob: String(i), node }));
  const {
    program,
    inputs,
    roots: places,
  } = makeProgram({ roots }, builder, optionsFor(device, params.dtype, 0));
  const executor = await device.load(program, params, { ...threads, describe: () => "values of a graph" });
  const placeOf = new Map(
    places.flatMap(({ root, place }) =>
      root.role === "value" ? [[wanted[Number(root.blob)], place] as const] : [],
    ),
  );
  await executor.run("prepare");
  return {
    inputs: new Set(inputs.keys()),
    async run(given = new Map()) {
      for (const [name, values] of given) {
        const place = inputs.get(name);
        if (place) await executor.write(place, values);
      }
      await executor.run("forward");
    },
    read: async (node) =>
      Float32Array.from(await executor.read(present(placeOf.get(node), "a value of the graph"))),
    close: () => executor.close(),
  };
}
