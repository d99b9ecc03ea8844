import { InternalError } from "../../proto/errors/index.js";
import type { DType } from "../ir/graph.js";
import { dropUnused } from "./drop-unused.js";
import { hoistIndices } from "./hoist.js";
import { boundsOf, int, variable } from "./indices.js";
import type {
  Condition,
  Index,
  Kernel,
  KernelBuffer,
  Memory,
  ScratchBuffer,
  Statement,
  Typed,
  Value,
  Variable,
} from "./kernel.js";
import { visitLoads } from "./visit-forms.js";

/** Writes one kernel, statement by statement, into nested blocks. */
export interface KernelWriter {
  buffer(dtype: DType, elements: number): Memory;
  scratch(type: ScratchBuffer["type"], elements: number): Memory;
  /** Scratch that the threads of a team share. */
  shared(type: ScratchBuffer["type"], elements: number): Memory;
  /** The parallel loop's variable; once per kernel. */
  parallel(extent: number): Index;
  /** The number of this thread among those that carry out an iteration together; once per kernel. */
  team(threads: number): Index;
  /** All threads of the team meet. */
  barrier(): void;
  /** A variable of no loop: for trials whose text is thrown away. */
  free(extent: number): Index;
  /** Statements of the prologue. */
  prologue(write: () => void): void;
  /** for from ≤ v < to. Bounds of one iteration write the body once, without a loop. */
  loop(from: Index | number, to: Index | number, write: (v: Index) => void, step?: number): void;
  /** The same, to be written out by the target's compiler: 0 ≤ v < count. */
  unrolled(count: number, write: (v: Index) => void): void;
  when(condition: Condition | boolean, write: () => void, otherwise?: () => void): void;
  /** A local that never changes. */
  real(value: Value): Value;
  /** A local integer that never changes. */
  integer(value: Index, least?: number, greatest?: number): Index;
  /** A local that `assign` changes. */
  variable(value: Value): Value & { kind: "local" };
  counter(value: Index): Index & { kind: "var" };
  assign(local: Value & { kind: "local" }, value: Value): void;
  assignIndex(local: Index & { kind: "var" }, value: Index): void;
  store(buffer: Memory, at: Index, value: Value): void;
  storeIndex(buffer: Memory, at: Index, value: Index): void;
  /** values[i] at `at` + i. */
  stores(buffer: Memory, at: Index, values: readonly Value[]): void;
  /** A hint that what lies there is read soon. */
  prefetch(buffer: Memory, at: Index): void;
  /** Counts the blocks entered: tells whether two statements stand in the same one. */
  readonly block: number;
  finish(note: string, flops: number, bytes: number): Kernel;
}

export const constant = (value: number): Value => ({ kind: "const", value });
export const ZERO_VALUE: Value = constant(0);
export const load = (buffer: Memory, at: Index): Value => ({ kind: "load", buffer, at });
export const plus = (a: Value, b: Value): Value => ({ kind: "binary", op: "add", a, b });
export const times = (a: Value, b: Value): Value => ({ kind: "binary", op: "mul", a, b });
export const fma = (a: Value, b: Value, c: Value): Value => ({ kind: "fma", a, b, c });

/** The memory that a kernel works on, as it is asked for. */
function createMemories() {
  const buffers: KernelBuffer[] = [];
  const scratch: ScratchBuffer[] = [];
  return {
    buffers,
    scratch,
    buffer: (dtype: DType, elements: number): Memory => buffers.push({ dtype, elements, access: "read" }) - 1,
    scratchOf: (type: ScratchBuffer["type"], elements: number, team: boolean): Memory =>
      -scratch.push({ type, elements, team }),
    stored(buffer: Memory): void {
      const known = buffers[buffer];
      if (known) buffers[buffer] = { ...known, access: "write" };
    },
    /** A buffer is told to be written only where nothing of it is read. */
    loaded(buffer: Memory): void {
      const known = buffers[buffer];
      if (known?.access === "write") buffers[buffer] = { ...known, access: "update" };
    },
  };
}

/** Statements pushed into nested blocks, from the outermost one on. */
function createBlocks(outermost: Statement[]) {
  let current = outermost;
  let blocks = 0;
  let block = 0;
  return {
    get block() {
      return block;
    },
    push(statement: Statement): void {
      current.push(statement);
    },
    /** What `write` pushes goes into these statements. */
    inside(statements: Statement[], write: () => void): readonly Statement[] {
      const [outer, outerBlock] = [current, block];
      current = statements;
      block = ++blocks;
      write();
      current = outer;
      block = outerBlock;
      return statements;
    },
  };
}

export function createWriter(): KernelWriter {
  const { buffers, scratch, buffer, scratchOf, stored, loaded } = createMemories();
  const prologue: Statement[] = [];
  const body: Statement[] = [];
  const blocks = createBlocks(body);
  const { push, inside } = blocks;
  let next: Variable = 0;
  let parallel: { variable: Variable; extent: number } | undefined;
  let team: { variable: Variable; threads: number } | undefined;

  const declare = (mutable: boolean, typed: Typed): Variable => {
    const number = next++;
    push({ kind: "declare", variable: number, mutable, ...typed });
    return number;
  };
  const loop = (
    from: Index | number,
    to: Index | number,
    write: (v: Index) => void,
    step: number,
    unrolled: boolean,
  ): void => {
    const start = typeof from === "number" ? int(from) : from;
    const end = typeof to === "number" ? int(to) : to;
    if (start.kind === "int" && end.kind === "int") {
      if (end.value <= start.value) return;
      if (end.value <= start.value + step) {
        write(start);
        return;
      }
    }
    const number = next++;
    const least = boundsOf(start)[0];
    const greatest = boundsOf(end)[1] - 1;
    const statements = inside([], () => write(variable(number, least, greatest)));
    push({ kind: "for", variable: number, from: start, to: end, step, unrolled, body: statements });
  };

  return {
    buffer,
    scratch: (type, elements) => scratchOf(type, elements, false),
    shared: (type, elements) => scratchOf(type, elements, true),
    parallel(extent) {
      if (parallel) throw new InternalError("a kernel has one parallel loop");
      parallel = { variable: next++, extent };
      return extent === 1 ? int(0) : variable(parallel.variable, 0, extent - 1);
    },
    team(threads) {
      if (team) throw new InternalError("a kernel has one team");
      team = { variable: next++, threads };
      return variable(team.variable, 0, threads - 1);
    },
    barrier: () => push({ kind: "barrier" }),
    free: (extent) => variable(next++, 0, extent - 1),
    prologue(write) {
      inside(prologue, write);
    },
    loop: (from, to, write, step = 1) => loop(from, to, write, step, false),
    unrolled: (count, write) => loop(0, count, write, 1, true),
    when(condition, write, otherwise) {
      if (condition === true) write();
      else if (condition === false) otherwise?.();
      else {
        const whenTrue = inside([], write);
        push({
          kind: "if",
          condition,
          whenTrue,
          otherwise: otherwise ? inside([], otherwise) : [],
        });
      }
    },
    real(value) {
      if (value.kind === "const" || value.kind === "local") return value;
      return { kind: "local", variable: declare(false, { type: "real", value }) };
    },
    integer(value, least, greatest) {
      if (value.kind === "int" || value.kind === "var") return value;
      const number = declare(false, { type: "index", value });
      return variable(number, least ?? boundsOf(value)[0], greatest ?? boundsOf(value)[1]);
    },
    variable: (value) => ({ kind: "local", variable: declare(true, { type: "real", value }) }),
    counter: (value) => ({
      kind: "var",
      variable: declare(true, { type: "index", value }),
      least: -Infinity,
      greatest: Infinity,
    }),
    assign: ({ variable: local }, value) => push({ kind: "assign", variable: local, type: "real", value }),
    assignIndex: ({ variable: local }, value) =>
      push({ kind: "assign", variable: local, type: "index", value }),
    store(buffer, at, value) {
      stored(buffer);
      push({ kind: "store", buffer, at, type: "real", value });
    },
    storeIndex(buffer, at, value) {
      stored(buffer);
      push({ kind: "store", buffer, at, type: "index", value });
    },
    stores(buffer, at, values) {
      stored(buffer);
      push({ kind: "stores", buffer, at, values });
    },
    prefetch: (buffer, at) => push({ kind: "prefetch", buffer, at }),
    get block() {
      return blocks.block;
    },
    finish(note, flops, bytes) {
      if (!parallel) throw new InternalError("a kernel without its parallel loop");
      const before = hoistIndices(prologue, [], next);
      for (const part of [prologue, body]) visitLoads(part, loaded);
      const main = hoistIndices(body, [parallel.variable, ...(team ? [team.variable] : [])], before.next);
      return {
        buffers,
        scratch,
        prologue: dropUnused(before.body),
        parallel,
        ...(team ? { team } : {}),
        body: dropUnused(main.body),
        note,
        flops,
        bytes,
      };
    },
  };
}
