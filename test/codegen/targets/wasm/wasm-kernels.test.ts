/** Every form of the kernel language as WebAssembly, to the bit: beside the interpreter of kernels in lanes. */
import { describe, expect, it } from "vitest";
import {
  add,
  all,
  compare,
  div,
  iload,
  int,
  max,
  min,
  mod,
  mul,
  sub,
} from "../../../../codegen/kernel/indices.js";
import type { Condition, Index, Kernel, Value } from "../../../../codegen/kernel/kernel.js";
import {
  constant,
  createWriter,
  fma,
  type KernelWriter,
  load,
  plus,
  times,
} from "../../../../codegen/kernel/writer.js";
import type { Buffer } from "../../../support/run-lanes.js";
import { architectures } from "../../../support/wasm-engine.js";
import { buffersOf, runAsMeant, runAsWasm } from "../../../support/wasm-kernel.js";

const LANES = 4;
const N = 24;

interface Writing {
  readonly w: KernelWriter;
  readonly x: number;
  readonly y: number;
  readonly rows: number;
  readonly places: number;
  /** The iteration and the lane. */
  readonly i: Index;
  readonly lane: Index;
  /** Where this lane's element of this iteration lies. */
  readonly at: Index;
}

/** A kernel of a few iterations over two buffers of reals and two of integers: 0 … 3, and a permutation. */
function kernelOf(write: (writing: Writing) => void, team = true): Kernel {
  const w = createWriter();
  const [x, y] = [w.buffer("real", 64 * N), w.buffer("real", 64 * N)];
  const [rows, places] = [w.buffer("index", 64 * N), w.buffer("index", N)];
  const i = w.parallel(N / LANES);
  const lane = team ? w.team(LANES) : int(0);
  write({ w, x, y, rows, places, i, lane, at: add(mul(i, LANES), lane) });
  return w.finish("a form", 0, 0);
}

const when = (condition: Condition | boolean): Condition => {
  if (typeof condition === "boolean") throw new Error("a condition that is known");
  return condition;
};
const guard = (condition: Condition | boolean, whenTrue: Value, otherwise: Value = constant(-1)): Value => ({
  kind: "guard",
  condition: when(condition),
  whenTrue,
  otherwise,
});
const positive = (value: Value): Condition => ({ kind: "compareValue", cmp: "gt", a: value, b: constant(0) });
const real = (index: Index): Value => ({ kind: "fromIndex", index });

const LOADS: Readonly<Record<string, (writing: Writing) => void>> = {
  "side by side": ({ w, x, y, at }) => w.store(y, at, load(x, at)),
  "one for all": ({ w, x, y, i, at }) => w.store(y, at, load(x, i)),
  ...Object.fromEntries(
    [2, 3, 5, -1, -2].map((step) => [
      `${step} apart`,
      ({ w, x, y, i, lane, at }: Writing) => w.store(y, at, load(x, add(mul(lane, step), add(i, int(20))))),
    ]),
  ),
  gathered: ({ w, x, y, places, at }) => w.store(y, at, load(x, iload(places, at))),
  "apart in quotients and rests": ({ w, x, y, at }) =>
    w.store(y, at, plus(load(x, div(at, 3)), load(x, add(mul(mod(at, 5), 7), int(2))))),
  "at extremes": ({ w, x, y, i, at }) =>
    w.store(y, at, plus(load(x, min(at, int(9))), load(x, max(mul(i, 3), int(4))))),
  "of integers, side by side, apart and gathered": ({ w, y, rows, places, at }) =>
    w.store(
      y,
      at,
      plus(real(iload(rows, at)), plus(real(iload(rows, mul(at, 2))), real(iload(rows, iload(places, at))))),
    ),
  "of some first lanes, and no others": ({ w, x, y, i, lane, at }) => {
    for (const count of [1, 2, 3])
      w.store(
        y,
        add(at, int(count * N)),
        guard(compare("lt", lane, int(count)), load(x, add(at, int(64 * N - N)))),
      );
    w.store(y, at, guard(compare("lt", mul(lane, 1), int(2)), load(x, add(mul(lane, 3), i))));
  },
  "of lanes that a condition chooses": ({ w, x, y, rows, places, at }) => {
    const chosen = compare("lt", add(at, int(3)), int(N));
    w.store(y, at, guard(chosen, load(x, add(at, int(63 * N + 3)))));
    w.store(y, add(at, int(N)), guard(positive(load(x, at)), load(x, mul(at, 3)), load(x, mul(at, 2))));
    w.store(y, add(at, int(2 * N)), guard(positive(load(x, at)), load(x, iload(places, at))));
    w.store(y, add(at, int(3 * N)), guard(positive(load(x, at)), load(x, int(5)), real(iload(rows, at))));
  },
  "where one answer is for all": ({ w, x, y, i, at }) =>
    w.store(
      y,
      at,
      guard(compare("lt", i, int(3)), load(x, add(at, int(64 * N - 12))), times(load(x, i), constant(3))),
    ),
};

const STORES: Readonly<Record<string, (writing: Writing) => void>> = {
  "one for all": ({ w, x, y, i }) => w.store(y, i, load(x, add(i, int(7)))),
  "of the first lane alone": ({ w, x, y, i, lane, at }) =>
    w.when(compare("lt", lane, int(1)), () => w.store(y, i, load(x, at))),
  ...Object.fromEntries(
    [2, 3, -1].map((step) => [
      `${step} apart`,
      ({ w, x, y, i, lane, at }: Writing) =>
        w.store(y, add(mul(lane, step), add(mul(i, 16), int(8))), load(x, at)),
    ]),
  ),
  scattered: ({ w, x, y, places, at }) => w.store(y, iload(places, at), load(x, at)),
  "of some first lanes": ({ w, x, y, lane, at }) => {
    for (const count of [1, 2, 3])
      w.when(
        compare("lt", lane, int(count)),
        () => w.store(y, add(at, int(count * N)), load(x, at)),
        () => w.store(y, add(at, int((count + 4) * N)), times(load(x, at), constant(2))),
      );
  },
  "of lanes that a condition chooses": ({ w, x, y, places, at }) =>
    w.when(
      positive(load(x, at)),
      () => {
        w.store(y, at, load(x, at));
        w.store(y, add(mul(at, 2), int(N)), constant(2));
        w.when(positive(load(x, add(at, int(N)))), () => w.store(y, add(at, int(4 * N)), constant(3)));
      },
      () => w.store(y, add(iload(places, at), int(6 * N)), load(x, at)),
    ),
  "of integers": ({ w, rows, places, i, at }) => {
    w.storeIndex(rows, add(at, int(N)), add(iload(places, at), at));
    w.storeIndex(rows, i, mul(i, 3));
  },
  "of blocks, the other way round": ({ w, x, y, i, lane, at }) => {
    for (const count of [1, 2, 3, 4, 6, 8])
      w.stores(
        y,
        add(mul(at, 8), int(count * 8 * N - 8 * N < 0 ? 0 : (count % 6) * 8 * N)),
        Array.from({ length: count }, (_, row) => times(load(x, at), constant(row + 1))),
      );
    w.when(compare("lt", lane, int(3)), () =>
      w.stores(y, add(mul(i, 32), add(mul(lane, 5), int(56 * N))), [load(x, at), load(x, i), constant(4)]),
    );
  },
};

const REST: Readonly<Record<string, (writing: Writing) => void>> = {
  "memory of a lane's own, and of the team": ({ w, x, y, i, lane, at }) => {
    const [own, shared, numbers] = [
      w.scratch("accumulator", 5),
      w.shared("accumulator", 3 * LANES),
      w.shared("index", LANES),
    ];
    w.loop(0, 5, (k) => w.store(own, k, times(load(x, add(at, k)), real(k))));
    w.loop(0, 3, (k) => w.store(shared, add(mul(k, LANES), lane), load(own, add(k, int(2)))));
    w.storeIndex(numbers, lane, sub(int(3), lane));
    w.barrier();
    w.store(
      y,
      at,
      plus(load(shared, add(sub(int(3), lane), mul(mod(i, 3), LANES))), real(iload(numbers, lane))),
    );
  },
  "loops with as many turns in all lanes": ({ w, x, y, i, at }) => {
    const sum = w.variable(constant(0));
    w.loop(i, 5, (k) => w.assign(sum, fma(load(x, add(at, k)), load(x, k), sum)));
    w.loop(0, i, (k) => w.assign(sum, plus(sum, load(x, k))), 2);
    w.loop(3, add(i, int(2)), (k) => w.assign(sum, plus(sum, load(x, add(k, at)))), 3);
    w.store(y, at, sum);
  },
  "loops whose variable moves with the lanes": ({ w, x, y, lane, at }) => {
    const sum = w.variable(constant(0));
    w.loop(lane, add(lane, int(5)), (k) => w.assign(sum, plus(sum, load(x, mul(k, 2)))), 2);
    w.store(y, at, sum);
  },
  "loops with turns of their own in each lane": ({ w, x, y, rows, lane, at }) => {
    const [sum, count] = [w.variable(load(x, at)), w.counter(int(0))];
    w.loop(0, iload(rows, at), (k) => {
      w.assign(sum, plus(sum, load(x, add(at, k))));
      w.loop(lane, k, (j) => w.assign(sum, plus(sum, real(j))));
      w.assignIndex(count, add(count, k));
      w.store(y, add(mul(at, 4), add(k, int(2 * N))), sum);
    });
    w.store(y, at, plus(sum, real(count)));
  },
  "variables that some lanes assign": ({ w, x, y, rows, at }) => {
    const [best, place] = [w.variable(constant(-9)), w.counter(int(-1))];
    w.loop(0, 6, (k) => {
      const value = w.real(load(x, add(mul(k, N), at)));
      w.when({ kind: "compareValue", cmp: "gt", a: value, b: best }, () => {
        w.assign(best, value);
        w.assignIndex(place, k);
      });
    });
    w.store(y, at, plus(best, real(place)));
    w.when(when(all([compare("ge", iload(rows, at), int(1)), positive(best)])), () => {
      const own = w.variable(best);
      w.assign(own, times(own, constant(2)));
      w.store(y, add(at, int(N)), own);
    });
  },
  "lanes that exchange": ({ w, x, y, at }) => {
    const value = w.real(load(x, at));
    const one = w.real(plus(value, { kind: "exchange", value, lanes: 1 }));
    w.store(y, at, plus(one, { kind: "exchange", value: one, lanes: 2 }));
    w.store(y, add(at, int(N)), { kind: "exchange", value, lanes: 3 });
  },
  choices: ({ w, x, y, i, at }) => {
    const [a, b] = [load(x, at), load(x, add(at, int(N)))];
    for (const [n, cmp] of (["lt", "le", "gt", "ge", "eq", "ne"] as const).entries())
      for (const [m, [left, right]] of [
        [a, b],
        [load(x, i), constant(0)],
        [a, load(x, i)],
      ].entries())
        w.store(y, add(at, int((3 * n + m) * N)), {
          kind: "select",
          cmp,
          left,
          right,
          whenTrue: b,
          otherwise: load(x, i),
        });
    w.store(
      y,
      add(at, int(20 * N)),
      guard(all([compare("ge", at, int(5)), compare("lt", i, int(4)), positive(a)]), b),
    );
    w.store(y, add(at, int(21 * N)), guard(all([compare("eq", i, int(4)), positive(load(x, i))]), b));
  },
  "random numbers": ({ w, x, y, i, at }) => {
    const of = (element: Index): Value => ({
      kind: "random",
      ...{ seed: 2 ** 40 + 5, stream: 2 ** 33 + 7 },
      ...{ step: { kind: "unary", op: "floor", x: load(x, int(3)) } as Value, element },
    });
    w.store(y, at, of(at));
    w.store(y, add(at, int(N)), of(add(i, int(2 ** 31 - 9))));
    w.store(y, add(at, int(2 * N)), of(mul(at, 5)));
  },
  "numbers cut off, and integers that vary": ({ w, x, y, rows, at }) => {
    const cut = w.integer({ kind: "truncate", value: times(load(x, at), constant(3)) }, -6, 6);
    w.store(y, at, real(cut));
    w.store(y, add(at, int(N)), load(x, add(max(cut, int(0)), iload(rows, at))));
    w.store(y, add(at, int(2 * N)), real(sub(mul(cut, iload(rows, at)), min(cut, int(1)))));
  },
};

const FORMS = { loads: LOADS, stores: STORES, "and more": REST };

/** What the buffers hold before: of the integers, small ones and a permutation. */
function prepared(kernel: Kernel): Buffer[] {
  const before = buffersOf(kernel, 5);
  before[3] = Int32Array.from(before[3], (_, n) => (n * 7 + 3) % N);
  before[0][3] = 2;
  return before;
}

async function expectAsMeant(kernel: Kernel): Promise<void> {
  const before = prepared(kernel);
  const meant = runAsMeant(kernel, before);
  expect(meant).not.toEqual(before);
  // Products of these values are exact: whether they are rounded before they are added makes no difference.
  for (const architecture of architectures)
    expect(await runAsWasm(kernel, before, architecture)).toEqual(meant);
}

describe.each(Object.entries(FORMS))("%s", (_kind, forms) => {
  it.each(Object.entries(forms))("%s", (_, write) => expectAsMeant(kernelOf(write)));
});

it.each(Object.entries({ ...LOADS, ...STORES }))(
  "where addresses have all of 32 bits: %s",
  async (_, write) => {
    const kernel = kernelOf(write);
    const before = prepared(kernel);
    expect(await runAsWasm(kernel, before, "simd128", 2 ** 31)).toEqual(runAsMeant(kernel, before));
  },
);

describe("without lanes", () => {
  const alone = Object.entries({ ...LOADS, ...REST }).filter(
    ([name]) => !name.includes("lanes") && !name.includes("lane's own"),
  );
  it.each(alone)("%s", (_, write) => expectAsMeant(kernelOf(write, false)));
});
