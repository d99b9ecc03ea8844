import { showOperand } from "../../proto/words/amounts.js";
import { type Node, sameShape, sizeOf } from "../ir/graph.js";
import type { TargetDescription } from "../ir/target-description.js";
import { flatten } from "../kernel/indices.js";
import type { Index, Kernel, Memory, Range, Typed } from "../kernel/kernel.js";
import { createWriter, type KernelWriter } from "../kernel/writer.js";
import { createEvaluator, type Evaluator, reshapeCoordinates } from "./evaluate.js";
import { asIndex, asValue } from "./typed.js";

/** A step about to become kernels. */
export interface StepContext {
  readonly options: StepOptions;
  readonly anchor: Node;
  readonly stores: readonly Node[];
  readonly target: TargetDescription;
  /** All that the step computes on the way from what it loads to what it stores. */
  readonly computed: ReadonlySet<Node>;
  /** Opens a kernel of this step; a step may have several, which run one after the other. */
  open(): KernelDraft;
  /**
   * Whether what is made of this node alone is kept: it is made when parameters have changed, not at each pass. Kernels
   * hand it to one another in prepared memory.
   */
  isSteady(node: Node): boolean;
}

/** A kernel being written. */
export interface KernelDraft {
  readonly writer: KernelWriter;
  readonly evaluate: Evaluator;
  /**
   * Reals that the step's kernels hand to one another, in memory that no other step minds: what one kernel stores at
   * `offset` (in elements) and on, a later one of the same step may load. `prepared`: memory of this step alone, that keeps what
   * lies there. A kernel that reads steady nodes and stores nowhere else runs only when parameters have changed.
   */
  workspace(offset: number, elements: number, prepared?: boolean): Memory;
  /**
   * Ends the work on one element: what the step stores is computed from the anchor's value there (and from
   * those of further nodes, as windowMax's argmax), then stored.
   */
  storeAt(coordinates: readonly Index[], value: Typed, further?: readonly (readonly [Node, Typed])[]): void;
  /** The first half of `storeAt`: the values of the step's stores at an element, in their order, as locals. */
  valuesAt(
    coordinates: readonly Index[],
    value: Typed,
    further?: readonly (readonly [Node, Typed])[],
  ): readonly Typed[];
  /** Its second half: stores them, all but those of `except`. */
  putAt(coordinates: readonly Index[], values: readonly Typed[], except?: ReadonlySet<Node>): void;
  /** Asks for what `storeAt` will read and write there, of arrays as large as the anchor. */
  prefetchAt(coordinates: readonly Index[]): void;
  close(flops: number, note?: string): LoweredKernel;
}

/** A stretch of the step's workspace, or of the memory that it keeps, in elements. */
export interface Workspace {
  readonly workspace: number;
  readonly elements: number;
  readonly prepared: boolean;
}

/** A kernel, and what lies behind each of its buffers. */
export interface LoweredKernel {
  readonly kernel: Kernel;
  /** The iterations that are launched; absent: all. A step may launch one kernel several times, in turns with others. */
  readonly range?: Range;
  readonly operands: readonly (Node | Workspace)[];
}

export interface StepOptions {
  readonly anchor: Node;
  readonly stores: readonly Node[];
  readonly reads: ReadonlySet<Node>;
  readonly target: TargetDescription;
  readonly realBytes: number;
  readonly seed: number;
  /** Whether a node in memory changes only when parameters do, and what is made of it is worth the memory to keep it. */
  isSteady(node: Node): boolean;
}

/** "conv [64×1×28×28] [20×1×5×5] → [64×20×24×24]": operation and shapes, no names. */
export function describe(anchor: Node, stores: readonly Node[]): string {
  const epilogue =
    stores.length === 1 && stores[0] === anchor ? "" : `, stores ${stores.map((x) => x.op).join(", ")}`;
  const operation = anchor.op === "reduce" ? anchor.kind : anchor.op;
  const shown = anchor.inputs.slice(0, MOST_SHOWN).map((x) => showOperand(x.shape));
  const more = anchor.inputs.length > MOST_SHOWN ? ` and ${anchor.inputs.length - MOST_SHOWN} more` : "";
  return `${operation} ${shown.join(" ")}${more} → ${showOperand(anchor.shape)}${epilogue}`;
}

/** A concat of many parts has a kernel, and so a description, for each. */
const MOST_SHOWN = 8;

/** Whether a step loads a node from memory. */
function loadsOf({ anchor, stores, reads }: Pick<StepOptions, "anchor" | "stores" | "reads">) {
  const own = new Set([anchor, ...stores]);
  return (node: Node): boolean =>
    !own.has(node) && (reads.has(node) || node.op === "input" || node.op === "param");
}

export function createStepContext(options: StepOptions): StepContext {
  const { anchor, stores, target } = options;
  const loads = loadsOf(options);
  const computed = new Set<Node>();
  const pending = [anchor, ...stores];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (computed.has(node) || loads(node)) continue;
    computed.add(node);
    pending.push(...node.inputs);
  }
  const isSteady = (node: Node): boolean =>
    loads(node) ? options.isSteady(node) : node.op !== "random" && node.inputs.every(isSteady);
  return {
    options,
    anchor,
    stores,
    target,
    computed,
    open: () => openDrafts([options])[0],
    isSteady,
  };
}

/** The nodes that stores load element by element beside the anchor's value: through maps of its shape. */
function loadedBeside(
  stores: readonly Node[],
  anchor: Node,
  loads: (node: Node) => boolean,
): ReadonlySet<Node> {
  const found = new Set<Node>();
  const seen = new Set<Node>([anchor]);
  const pending = [...stores];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node) || !sameShape(node.shape, anchor.shape)) continue;
    seen.add(node);
    if (loads(node)) found.add(node);
    else if (node.op === "map") pending.push(...node.inputs);
  }
  return found;
}

/**
 * Opens one kernel for several steps, a draft for each: they write the same kernel, and closing any of them closes it.
 * `known`: what a step that would load a node may take instead, where an earlier step has just computed it.
 */
export function openDrafts(
  steps: readonly StepOptions[],
  known: (node: Node) => Typed | undefined = () => undefined,
): readonly KernelDraft[] {
  const writer = createWriter();
  const operands: (Node | Workspace)[] = [];
  const buffers = new Map<Node, Memory>();
  const bufferOf = (node: Node): Memory => {
    let buffer = buffers.get(node);
    if (buffer === undefined) {
      buffer = writer.buffer(node.dtype, sizeOf(node.shape));
      buffers.set(node, buffer);
      operands.push(node);
    }
    return buffer;
  };
  return steps.map(({ anchor, stores, reads, realBytes, seed }): KernelDraft => {
    const loads = loadsOf({ anchor, stores, reads });
    const evaluate = createEvaluator(writer, {
      seed,
      loads,
      bufferOf,
      known,
    });
    const valuesAt: KernelDraft["valuesAt"] = (coordinates, value, further = []) => {
      evaluate.unbind();
      evaluate.bind(
        anchor,
        value.type === "real"
          ? { type: "real", value: writer.real(value.value) }
          : { type: "index", value: writer.integer(value.value) },
      );
      for (const [node, typed] of further) evaluate.bind(node, typed);
      // All values first: a store may overwrite, in place, what another one reads.
      const values = stores.map((store): Typed => {
        const typed = evaluate.computeAt(store, reshapeCoordinates(coordinates, anchor.shape, store.shape));
        const local: Typed =
          store.dtype === "index"
            ? { type: "index", value: writer.integer(asIndex(typed)) }
            : { type: "real", value: stores.length > 1 ? writer.real(asValue(typed)) : asValue(typed) };
        evaluate.bind(store, local);
        return local;
      });
      evaluate.unbind();
      return values;
    };
    const putAt: KernelDraft["putAt"] = (coordinates, values, except) => {
      const at = flatten(coordinates, anchor.shape);
      stores.forEach((store, i) => {
        if (except?.has(store)) return;
        const typed = values[i];
        if (typed.type === "real") writer.store(bufferOf(store), at, typed.value);
        else writer.storeIndex(bufferOf(store), at, typed.value);
      });
    };
    return {
      writer,
      evaluate,
      valuesAt,
      putAt,
      workspace(offset, elements, prepared = false) {
        operands.push({ workspace: offset, elements, prepared });
        return writer.buffer("real", elements);
      },
      prefetchAt(coordinates) {
        const at = flatten(coordinates, anchor.shape);
        for (const node of [...loadedBeside(stores, anchor, loads), ...stores])
          writer.prefetch(bufferOf(node), at);
      },
      storeAt: (coordinates, value, further) => putAt(coordinates, valuesAt(coordinates, value, further)),
      close(flops, note = describe(anchor, stores)) {
        const bytes = operands.reduce(
          (sum, operand) =>
            sum +
            ("workspace" in operand
              ? operand.elements * realBytes
              : sizeOf(operand.shape) * (operand.dtype === "index" ? 4 : realBytes)),
          0,
        );
        return { kernel: writer.finish(note, flops, bytes), operands };
      },
    };
  });
}
