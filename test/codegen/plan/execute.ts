import { type Node, sizeOf } from "../../../codegen/ir/graph.js";
import type { Plan, Step } from "../../../codegen/plan/index.js";
import { type Bindings, interpret } from "../../support/interpret.js";

/** The memory of a plan: one arena, float64 and int32 views on it, and parameters beside it. */
export interface Memory {
  read(node: Node): Float64Array;
  write(node: Node, values: Float64Array, from?: number, to?: number): void;
  readonly params: ReadonlyMap<number, Float64Array>;
}

/** Memory full of values that no node has, so that a read of what was never written is seen. */
export function createMemory(plan: Plan, params: ReadonlyMap<number, Float64Array>): Memory {
  const arena = new ArrayBuffer(plan.arenaBytes);
  new Uint8Array(arena).fill(0xfb);
  const own = new Map([...params].map(([index, values]) => [index, values.slice()]));
  const view = (node: Node): Float64Array | Int32Array => {
    const placement = plan.placements.get(node);
    const length = sizeOf(node.shape);
    if (!placement) throw new Error(`%${node.id} (${node.op}) has no place`);
    if (placement.storage === "param") {
      const values = own.get(placement.param)!;
      if (placement.offset + length > values.length)
        throw new Error(`%${node.id} is past its parameter's end`);
      return values.subarray(placement.offset, placement.offset + length);
    }
    const { region, offset } = placement;
    if (offset + length > region.elements) throw new Error(`%${node.id} is past its region's end`);
    if (region.dtype !== node.dtype) throw new Error(`%${node.id} lies in a region of another type`);
    return node.dtype === "index"
      ? new Int32Array(arena, region.offset + 4 * offset, length)
      : new Float64Array(arena, region.offset + 8 * offset, length);
  };
  return {
    read: (node) => Float64Array.from(view(node)),
    write: (node, values, from = 0, to = values.length) => view(node).set(values.subarray(from, to), from),
    params: own,
  };
}

/** What a step stores, computed from what lies in memory now, by the meaning of its nodes. */
function evaluateStep(step: Step, memory: Memory, seed: number | undefined): readonly Float64Array[] {
  const inputs = new Map<string, Float64Array>();
  const copies = new Map<Node, Node>();
  for (const read of step.reads) {
    const name = `read ${read.id}`;
    inputs.set(name, memory.read(read));
    const { id, dtype, shape } = read;
    copies.set(read, { op: "input", name, id, dtype, shape, inputs: [], origin: "" });
  }
  const computed = new Set([step.anchor, ...step.stores, ...step.inlined]);
  for (const node of [...computed].sort((a, b) => a.id - b.id)) {
    const operands = node.inputs.map((x) => {
      const copy = copies.get(x);
      if (!copy) throw new Error(`step ${step.index} neither reads nor computes %${x.id} (${x.op})`);
      return copy;
    });
    copies.set(node, { ...node, inputs: operands });
  }
  const stores = step.stores.map((store) => copies.get(store)!);
  const value = interpret(stores, { inputs, params: new Map(), seed });
  return stores.map(value);
}

/**
 * Runs one pass of a plan on memory as a code generator would, a part of the elements first and then, evaluated
 * anew from memory, the rest: a store over something that other elements still need shows. `seen` gets each
 * value that a step reads.
 */
export function runPass(
  plan: Plan,
  pass: "forward" | "backward",
  memory: Memory,
  seed?: number,
  seen: (step: Step, node: Node, values: Float64Array) => void = () => {},
): void {
  for (const step of plan.steps) {
    if (step.pass !== pass) continue;
    for (const read of step.reads) seen(step, read, memory.read(read));
    const middle = Math.floor((sizeOf(step.anchor.shape) * ((step.index * 7) % 10)) / 10);
    const size = sizeOf(step.stores[0].shape);
    const parts =
      step.index % 2 === 0
        ? [[0, middle] as const, [middle, size] as const]
        : [[middle, size] as const, [0, middle] as const];
    for (const [from, to] of parts) {
      const values = evaluateStep(step, memory, seed);
      step.stores.forEach((store, i) => {
        if (values[i].length !== size) throw new Error(`step ${step.index} stores values of different sizes`);
        memory.write(store, values[i], from, to);
      });
    }
  }
  for (const { from, param, pass: due } of plan.copies)
    if (due === pass) memory.params.get(param)!.set(memory.read(from));
}

/** Fills those of a plan's inputs that `which` names; what the bindings lack is the step counter of `random`. */
export function bindInputs(
  plan: Plan,
  memory: Memory,
  bindings: Bindings,
  which: (name: string) => boolean,
): void {
  for (const node of plan.placements.keys())
    if (node.op === "input" && which(node.name))
      memory.write(node, bindings.inputs.get(node.name) ?? Float64Array.of(bindings.step ?? 0));
}
