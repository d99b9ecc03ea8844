/** Loops written out do what they did, whatever their bounds; what is to be written out is. */
import { describe, expect, it } from "vitest";
import { add, addInt, compare, iload, int, mul } from "../../../codegen/kernel/indices.js";
import type { Index, Kernel, Statement } from "../../../codegen/kernel/kernel.js";
import { visit } from "../../../codegen/kernel/visit-forms.js";
import { writeOutLoops } from "../../../codegen/kernel/write-out-loops.js";
import {
  constant,
  createWriter,
  fma,
  type KernelWriter,
  load,
  plus,
} from "../../../codegen/kernel/writer.js";
import { architectures } from "../../support/wasm-engine.js";
import { buffersOf, runAsMeant, runAsWasm } from "../../support/wasm-kernel.js";

const TURNS = 4;

/** The same kernel, whose loops in steps of one make so many turns between two tests for their end. */
function turning(kernel: Kernel): Kernel {
  const block = (statements: readonly Statement[]): readonly Statement[] =>
    statements.map((one): Statement => {
      if (one.kind === "if")
        return { ...one, whenTrue: block(one.whenTrue), otherwise: block(one.otherwise) };
      if (one.kind !== "for") return one;
      return { ...one, ...(!one.unrolled && { turns: TURNS }), body: block(one.body) };
    });
  return { ...kernel, prologue: block(kernel.prologue), body: block(kernel.body) };
}

interface Writing {
  readonly w: KernelWriter;
  /** Buffers: reals that are read, reals that are written, integers from 0 to 3. */
  readonly x: number;
  readonly y: number;
  readonly counts: number;
  readonly i: Index;
  readonly lane: Index;
}

function kernelOf(write: (writing: Writing) => void): Kernel {
  const w = createWriter();
  const [x, y, counts] = [w.buffer("real", 400), w.buffer("real", 400), w.buffer("index", 40)];
  const i = w.parallel(12);
  write({ w, x, y, counts, i, lane: w.team(4) });
  return turning(w.finish("loops", 0, 0));
}

/** What a turn may hold: variables of its own, loops, conditions, sums that go on. */
function turn({ w, x, y, i, lane }: Writing, k: Index, sum: ReturnType<KernelWriter["variable"]>): void {
  const [own, place] = [w.variable(load(x, add(k, lane))), w.counter(int(0))];
  w.loop(0, 3, (j) => {
    w.assign(own, plus(own, load(x, add(add(k, j), mul(i, 2)))));
    w.when({ kind: "compareValue", cmp: "gt", a: own, b: constant(0) }, () =>
      w.assignIndex(place, addInt(place, -1)),
    );
  });
  w.when(compare("lt", place, int(0)), () => w.assign(own, plus(own, load(x, addInt(place, 9)))));
  const rest = w.counter(int(1));
  w.when({ kind: "compareValue", cmp: "gt", a: load(x, k), b: constant(0) }, () =>
    w.assignIndex(rest, int(0)),
  );
  w.loop(0, rest, (j) => w.assign(own, plus(own, load(x, addInt(j, 100)))));
  w.assign(sum, fma(own, constant(0.5), sum));
  w.store(y, add(mul(add(mul(i, 4), lane), 7), k), own);
}

const sums =
  (loop: (writing: Writing, body: (k: Index) => void) => void) =>
  (writing: Writing): void => {
    const { w, y, i, lane } = writing;
    const sum = w.variable(constant(0));
    loop(writing, (k) => turn(writing, k, sum));
    w.store(y, add(add(mul(i, 4), lane), int(344)), sum);
  };

const LOOPS: Readonly<Record<string, (writing: Writing) => void>> = {
  ...Object.fromEntries(
    [2, 3, 4, 5, 7].map((count) => [`${count} turns, known`, sums(({ w }, body) => w.loop(0, count, body))]),
  ),
  "5 turns from 1, known": sums(({ w }, body) => w.loop(1, 6, body)),
  "5 turns, all written out": sums(({ w }, body) => w.unrolled(5, body)),
  "from 0 to as many as there are iterations before": sums(({ w, i }, body) =>
    w.loop(0, { kind: "imin", a: i, b: int(7) }, body),
  ),
  "from there to 6: also none, and less than none": sums(({ w, i }, body) => w.loop(i, 6, body)),
  "as many as memory says, from none on": sums(({ w, counts, i }, body) =>
    w.loop(0, w.integer(iload(counts, i), 0, 3), body),
  ),
  "as many as memory says of each lane": sums(({ w, counts, i, lane }, body) =>
    w.loop(0, w.integer(iload(counts, add(mul(i, 3), lane)), 0, 3), body),
  ),
  "in steps of two": sums(({ w }, body) => w.loop(0, 7, body, 2)),
};

describe("loops written out give the same values", () => {
  it.each(Object.entries(LOOPS))("%s", async (name, write) => {
    const kernel = kernelOf(write);
    const written = writeOutLoops(kernel);
    const loops: boolean[] = [];
    visit([...written.prologue, ...written.body], (form) => {
      if (form.kind === "for") loops.push(form.unrolled || form.turns !== undefined);
    });
    expect(loops.filter((left) => left)).toEqual([]);
    // Those within a turn are left: one of three turns, and one of which it is not known.
    if (name.includes("all written out"))
      expect(written.body.filter(({ kind }) => kind === "for")).toHaveLength(5 * 3);
    const before = buffersOf(kernel, 3);
    const meant = runAsMeant(kernel, before);
    expect(meant).not.toEqual(before);
    expect(runAsMeant(written, before)).toEqual(meant);
    for (const architecture of architectures)
      for (const one of [kernel, written]) expect(await runAsWasm(one, before, architecture)).toEqual(meant);
  });
});
