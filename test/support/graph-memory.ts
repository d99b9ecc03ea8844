import { type Node, sizeOf } from "../../codegen/ir/graph.js";
import type { RealType } from "../../codegen/ir/real.js";
import type { Argument, Program } from "../../codegen/kernel/kernel.js";
import type { Plan } from "../../codegen/plan/index.js";
import type { Bindings } from "./interpret.js";

export type GraphMemory = Float32Array | Float64Array | Int32Array;

/** The memory of a program's arguments and of a plan's nodes; what nobody wrote is NaN. */
export interface GraphMemories {
  view(at: Argument): GraphMemory;
  /** Of any node with a place in memory. */
  memoryOf(node: Node): GraphMemory;
  /** Writes the leaves' values. */
  bind(bindings: Bindings): void;
}

/** @param allocate zeros that kernels can reach; absent: they reach all memory */
export function memoriesOf(
  plan: Plan,
  program: Program,
  dtype: RealType,
  allocate = (bytes: number): Uint8Array => new Uint8Array(bytes),
): GraphMemories {
  const Real = dtype === "float32" ? Float32Array : Float64Array;
  const arena = allocate(program.arenaBytes);
  // What no kernel wrote must not look like a result.
  arena.fill(0xff);
  const realsIn = ({ buffer, byteOffset }: Uint8Array, elements: number): Float32Array | Float64Array =>
    dtype === "float32"
      ? new Float32Array(buffer, byteOffset, elements)
      : new Float64Array(buffer, byteOffset, elements);
  const reals = (elements: number) => realsIn(allocate(elements * Real.BYTES_PER_ELEMENT), elements);
  const params = new Map<number, Float32Array | Float64Array>();
  for (const [node, place] of plan.placements)
    if (node.op === "param") params.set(node.index, reals(sizeOf(node.shape)));
    else if (place.storage === "param" && !params.has(place.param))
      params.set(place.param, reals(sizeOf(node.shape)));
  const view = (at: Argument): GraphMemory => {
    if (at.storage === "param")
      return (params.get(at.param) ?? new Real(0)).subarray(at.offset, at.offset + at.elements);
    const here = arena.subarray(at.byteOffset);
    if (at.dtype !== "index") return realsIn(here, at.elements);
    return new Int32Array(here.buffer, here.byteOffset, at.elements);
  };
  const memoryOf = (node: Node): GraphMemory => {
    const place = plan.placements.get(node);
    if (!place) throw new Error(`%${node.id} lies nowhere`);
    const elements = sizeOf(node.shape);
    if (place.storage === "param")
      return view({ storage: "param", param: place.param, offset: place.offset, elements });
    const size = node.dtype === "index" ? Int32Array.BYTES_PER_ELEMENT : Real.BYTES_PER_ELEMENT;
    const byteOffset = place.region.offset + place.offset * size;
    return view({ storage: "arena", dtype: node.dtype, byteOffset, elements });
  };
  return {
    view,
    memoryOf,
    bind({ inputs, params: values, step = 0 }) {
      for (const node of plan.placements.keys()) {
        if (node.op === "param") memoryOf(node).set(values.get(node.index) ?? []);
        if (node.op !== "input") continue;
        const value = inputs.get(node.name) ?? (node.shape.length === 0 ? Float64Array.of(step) : undefined);
        if (!value) throw new Error(`no value for input ${node.name}`);
        memoryOf(node).set(value);
      }
    },
  };
}

/**
 * How far a value is from the one wanted, if it is further than ‖got − wanted‖ ≤ bound · ‖wanted‖, or where NaN or an
 * infinity is not the same.
 */
export function disagreement(got: GraphMemory, want: Float64Array, bound: number): string | undefined {
  let [distance, norm] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    if (Object.is(want[i], got[i])) continue;
    if (!Number.isFinite(want[i]) || !Number.isFinite(got[i]))
      return `has ${got[i]} at element ${i}, not ${want[i]}`;
    distance += (got[i] - want[i]) ** 2;
    norm += want[i] ** 2;
  }
  return Math.sqrt(distance) <= bound * Math.max(Math.sqrt(norm), 1e-3)
    ? undefined
    : `is ${Math.sqrt(distance)} off, of ${Math.sqrt(norm)}`;
}
