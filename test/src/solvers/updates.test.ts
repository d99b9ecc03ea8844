import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBuilder } from "../../../codegen/ir/builder.js";
import type { Node, Root } from "../../../codegen/ir/graph.js";
import { sizeOf } from "../../../codegen/ir/graph.js";
import { createMessage, type SolverParameter } from "../../../proto/index.js";
import {
  appendAccumulation,
  appendUpdates,
  type Learnable,
  ruleOf,
  ruleScalars,
  SOLVER_TYPES,
  scalarInput,
} from "../../../src/solvers/index.js";
import { interpret } from "../../support/interpret.js";
import { applyUpdate, type ReferenceParam } from "./reference.js";

const solverOf = (own: Partial<SolverParameter>): SolverParameter => createMessage("SolverParameter", own);

interface Spec {
  readonly shape: readonly number[];
  readonly weight: readonly number[];
  readonly lrMult?: number;
  readonly decayMult?: number;
  /** Parameters that no loss reaches have none. */
  readonly hasGradient?: boolean;
}

/** Builds the updates of some parameters and returns a function that makes one, and the state it works on. */
function prepare(specs: readonly Spec[], solver: SolverParameter) {
  const b = createBuilder();
  const rule = ruleOf(solver);
  let index = 0;
  const learnables = specs.map((spec, i): Learnable => {
    const node = b.param(index++, spec.shape);
    return {
      node,
      gradient: spec.hasGradient === false ? undefined : b.input(`gradient${i}`, spec.shape),
      lrMult: spec.lrMult ?? 1,
      decayMult: spec.decayMult ?? 1,
      history: Array.from({ length: rule.slots }, () => b.param(index++, spec.shape)),
    };
  });
  const roots = appendUpdates(b, learnables, solver);
  const state = new Map<number, Float64Array>();
  for (const [i, { node, history }] of learnables.entries()) {
    state.set(indexOf(node), Float64Array.from(specs[i].weight));
    for (const slot of history) state.set(indexOf(slot), new Float64Array(sizeOf(slot.shape)));
  }
  return {
    learnables,
    roots,
    weight: (i: number) => state.get(indexOf(learnables[i].node))!,
    history: (i: number) => learnables[i].history.map((slot) => state.get(indexOf(slot))!),
    step(gradients: readonly (readonly number[] | undefined)[], rate: number, iteration: number): void {
      const scalars = { rate, ...ruleScalars(solver, iteration) };
      const inputs = new Map(
        Object.entries(scalars).map(([name, value]) => [scalarInput(name), Float64Array.of(value)]),
      );
      for (const [i, gradient] of gradients.entries())
        if (gradient) inputs.set(`gradient${i}`, Float64Array.from(gradient));
      const value = interpret({ roots }, { inputs, params: state });
      const next = roots.map((root) => [updated(root), value(root.node)] as const);
      for (const [param, array] of next) state.set(param, array);
    },
  };
}

function indexOf(node: Node): number {
  if (node.op !== "param") throw new Error(`${node.op} is not a parameter`);
  return node.index;
}

function updated(root: Root): number {
  if (root.role !== "update" || root.pass !== "backward") throw new Error(`a root of role ${root.role}`);
  return root.param;
}

/** Near in the way of float32: the correction and some constants are rounded to it on one side only. */
function expectNear(actual: Float64Array, wanted: Float64Array): void {
  expect(actual.length).toBe(wanted.length);
  for (const i of actual.keys())
    expect(Math.abs(actual[i] - wanted[i])).toBeLessThanOrEqual(1e-5 * Math.max(1e-3, Math.abs(wanted[i])));
}

describe("one step by hand", () => {
  const spec: Spec = { shape: [1], weight: [2] };
  /** Weight and history after steps with gradient 3 each, rate 0.5. */
  function train(steps: number, own: Partial<SolverParameter>): { weight: number; history: number[] } {
    const prepared = prepare([spec], solverOf(own));
    for (let i = 0; i < steps; i++) prepared.step([[3]], 0.5, i);
    return { weight: prepared.weight(0)[0], history: prepared.history(0).map((slot) => slot[0]) };
  }

  test("SGD: v = 1.5, then 1.5 + 0.25·1.5", () => {
    expect(train(1, { type: "SGD", momentum: 0.25 })).toEqual({ weight: 0.5, history: [1.5] });
    expect(train(2, { type: "SGD", momentum: 0.25 })).toEqual({ weight: -1.375, history: [1.875] });
  });
  test("SGD without momentum keeps its last step as history", () => {
    expect(train(2, { type: "SGD" })).toEqual({ weight: -1, history: [1.5] });
  });
  test("Nesterov: 1.25·1.5, then 1.25·1.875 − 0.25·1.5", () => {
    expect(train(1, { type: "Nesterov", momentum: 0.25 })).toEqual({ weight: 0.125, history: [1.5] });
    expect(train(2, { type: "Nesterov", momentum: 0.25 })).toEqual({ weight: -1.84375, history: [1.875] });
  });
  test("AdaGrad: 0.5·3 / (√9 + 1)", () => {
    expect(train(1, { type: "AdaGrad", delta: 1 })).toEqual({ weight: 1.625, history: [9] });
  });
  test("RMSProp: 0.5·3 / (√(9/4) + 0.5)", () => {
    expect(train(1, { type: "RMSProp", rms_decay: 0.75, delta: 0.5 })).toEqual({
      weight: 1.25,
      history: [2.25],
    });
  });
  test("AdaDelta: h = 9/4, step 3·√(4/6.25)", () => {
    const { weight, history } = train(1, { type: "AdaDelta", momentum: 0.75, delta: 4 });
    expect(weight).toBeCloseTo(2 - 0.5 * 3 * 0.8, 12);
    expect(history[0]).toBe(2.25);
    expect(history[1]).toBeCloseTo(0.25 * 2.4 ** 2, 12);
  });
  test("Adam's first step is the rate, whatever the gradient", () => {
    const { weight, history } = train(1, { type: "Adam", momentum: 0.5, momentum2: 0.75, delta: 0 });
    expect(weight).toBeCloseTo(1.5, 6);
    expect(history).toEqual([1.5, 2.25]);
  });
  test("weight decay: L2 pulls by decay·w, L1 by decay·sign(w)", () => {
    expect(train(1, { weight_decay: 0.5 }).weight).toBe(2 - 0.5 * (3 + 1));
    expect(train(1, { weight_decay: 0.5, regularization_type: "L1" }).weight).toBe(2 - 0.5 * (3 + 0.5));
  });
  test("iter_size divides the gradient before the decay is added", () => {
    expect(train(1, { iter_size: 2, weight_decay: 0.5 }).weight).toBe(2 - 0.5 * (1.5 + 1));
  });
  test("clipping looks at the gradients before iter_size divides them", () => {
    expect(train(1, { iter_size: 2, clip_gradients: 1.5 }).weight).toBe(2 - 0.5 * 0.75);
    expect(train(1, { iter_size: 2, clip_gradients: 3 }).weight).toBe(2 - 0.5 * 1.5);
    expect(train(1, { clip_gradients: 0 }).weight).toBe(2);
  });
});

describe("a rule equals Caffe's loops", () => {
  // Of numbers next to zero, underflow decides the sign that L1 asks for.
  const number = fc.double({ min: -3, max: 3, noNaN: true }).map((x) => (Math.abs(x) < 1e-6 ? 0 : x));
  const shapes = [[4], [2, 3], [1, 2, 1, 2]] as const;
  const values = (shape: readonly number[]) =>
    fc.array(number, { minLength: sizeOf(shape), maxLength: sizeOf(shape) });
  for (const type of SOLVER_TYPES) {
    test(type, () => {
      const takesMomentum = type !== "AdaGrad" && type !== "RMSProp";
      fc.assert(
        fc.property(
          fc.tuple(...shapes.map(values)),
          fc.array(fc.tuple(...shapes.map(values)), { minLength: 1, maxLength: 4 }),
          fc.record({
            momentum: takesMomentum ? fc.constantFrom(0, 0.5, 0.9) : fc.constant(0),
            weight_decay: fc.constantFrom(0, 0.0005, 0.1),
            regularization_type: fc.constantFrom("L1", "L2"),
            clip_gradients: fc.constantFrom(-1, 0.5, 1000),
            iter_size: fc.constantFrom(1, 3),
            delta: fc.constantFrom(1e-3, 1),
          }),
          fc.tuple(...shapes.map(() => fc.constantFrom(0, 1, 2))),
          fc.constantFrom(0, 1, 2),
          (weights, gradients, own, multipliers, without) => {
            const solver = solverOf({ type, ...own });
            const prepared = prepare(
              shapes.map((shape, i) => ({
                shape,
                weight: weights[i],
                lrMult: multipliers[i],
                decayMult: multipliers[(i + 1) % 3],
                hasGradient: i !== without,
              })),
              solver,
            );
            const reference = shapes.map((shape, i) => ({
              weight: Float64Array.from(weights[i]),
              lrMult: multipliers[i],
              decayMult: multipliers[(i + 1) % 3],
              history: Array.from({ length: ruleOf(solver).slots }, () => new Float64Array(sizeOf(shape))),
            }));
            for (const [iteration, step] of gradients.entries()) {
              const given = step.map((gradient, i) => (i === without ? undefined : gradient));
              prepared.step(given, 0.125, iteration);
              const params = reference.map((param, i): ReferenceParam => {
                const gradient = given[i];
                return { ...param, gradient: gradient && Float64Array.from(gradient) };
              });
              const before = params.map(({ weight }) => weight.slice());
              applyUpdate(params, solver, 0.125, iteration);
              // L1 asks for the sign of a weight: of one that was moved to zero, rounding decides it.
              if (own.regularization_type === "L1")
                fc.pre(
                  params.every(({ weight }, p) =>
                    weight.every((w, i) => w === before[p][i] || Math.abs(w) > 1e-9),
                  ),
                );
            }
            for (const [i, { weight, history }] of reference.entries()) {
              expectNear(prepared.weight(i), weight);
              for (const [slot, wanted] of history.entries()) expectNear(prepared.history(i)[slot], wanted);
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  }
});

describe("what has no update", () => {
  test("a parameter with lr_mult 0 has no root, and still counts in the norm", () => {
    const prepared = prepare(
      [
        { shape: [1], weight: [1], lrMult: 0 },
        { shape: [1], weight: [1] },
      ],
      solverOf({ clip_gradients: 5 }),
    );
    expect(prepared.roots.map(updated)).toEqual([2, 3]);
    prepared.step([[40], [30]], 1, 0);
    expect(prepared.weight(0)[0]).toBe(1);
    expect(prepared.weight(1)[0]).toBeCloseTo(1 - 3, 12);
  });
  test("a parameter that no loss reaches decays", () => {
    const prepared = prepare(
      [{ shape: [2], weight: [1, -2], hasGradient: false }],
      solverOf({ weight_decay: 0.5 }),
    );
    prepared.step([undefined], 1, 0);
    expect([...prepared.weight(0)]).toEqual([0.5, -1]);
  });
  test("no parameters: no roots", () => {
    expect(appendUpdates(createBuilder(), [], solverOf({ clip_gradients: 1 }))).toEqual([]);
  });
});

test("gradients of several batches are summed, and the first one starts the sum anew", () => {
  const b = createBuilder();
  const accumulator = b.param(0, [2]);
  const roots = appendAccumulation(b, [{ gradient: b.input("gradient", [2]), accumulator }]);
  const run = (sum: readonly number[], gradient: readonly number[], first: number): number[] => {
    const value = interpret(
      { roots },
      {
        inputs: new Map([
          ["gradient", Float64Array.from(gradient)],
          [scalarInput("first"), Float64Array.of(first)],
        ]),
        params: new Map([[0, Float64Array.from(sum)]]),
      },
    );
    return [...value(roots[0].node)];
  };
  expect(roots.map(updated)).toEqual([0]);
  expect(run([Number.NaN, 7], [1, 2], 1)).toEqual([1, 2]);
  expect(run([1, 2], [10, 20], 0)).toEqual([11, 22]);
});
