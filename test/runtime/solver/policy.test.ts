import { describe, expect, test } from "vitest";
import { CortadoError, createDiagnostics } from "../../../proto/errors/index.js";
import { createMessage, type SolverParameter } from "../../../proto/index.js";
import { parseMessage } from "../../../proto/text/parse-text.js";
import { checkPolicy, learningRate } from "../../../runtime/solver/policy.js";

const solverOf = (own: Partial<SolverParameter>): SolverParameter =>
  createMessage("SolverParameter", { base_lr: 0.01, ...own });

/** The rates of iterations 0 … count − 1, the count of steps going from one to the next. */
function rates(own: Partial<SolverParameter>, count: number): number[] {
  const solver = solverOf(own);
  let currentStep = 0;
  return Array.from({ length: count }, (_, iteration) => {
    const now = learningRate(solver, iteration, currentStep);
    currentStep = now.currentStep;
    return now.rate;
  });
}

function expectRates(own: Partial<SolverParameter>, wanted: readonly number[]): void {
  const found = rates(own, wanted.length);
  for (const [i, rate] of wanted.entries()) expect(Math.abs(found[i] / rate - 1)).toBeLessThan(1e-5);
}

const at = (count: number, rate: (iteration: number) => number): number[] =>
  Array.from({ length: count }, (_, iteration) => rate(iteration));

describe("learning rates", () => {
  test("fixed", () => {
    expectRates({ lr_policy: "fixed" }, [0.01, 0.01, 0.01]);
  });
  test("step", () => {
    expectRates(
      { lr_policy: "step", gamma: 0.5, stepsize: 20 },
      at(61, (i) => 0.01 * 0.5 ** Math.floor(i / 20)),
    );
  });
  test("exp", () => {
    expectRates(
      { lr_policy: "exp", gamma: 0.97 },
      at(60, (i) => 0.01 * 0.97 ** i),
    );
  });
  test("inv", () => {
    expectRates(
      { lr_policy: "inv", gamma: 0.0001, power: 0.75 },
      at(60, (i) => 0.01 * (1 + 0.0001 * i) ** -0.75),
    );
  });
  test("inv, as a log of Caffe shows it", () => {
    const solver = solverOf({ lr_policy: "inv", gamma: 0.0001, power: 0.75 });
    const shown = [1000, 2000, 3000, 4000, 8000, 9000].map((i) =>
      learningRate(solver, i, 0).rate.toPrecision(6),
    );
    expect(shown).toEqual([
      "0.00931012",
      "0.00872196",
      "0.00821377",
      "0.00776969",
      "0.00643496",
      "0.00617924",
    ]);
  });
  test("multistep", () => {
    expectRates(
      { lr_policy: "multistep", gamma: 0.3, stepvalue: [10, 25, 50] },
      at(60, (i) => 0.01 * 0.3 ** [10, 25, 50].filter((value) => i >= value).length),
    );
  });
  test("multistep goes down one step an iteration, as Caffe, also after a resume", () => {
    const solver = solverOf({ lr_policy: "multistep", gamma: 0.5, stepvalue: [3, 3, 3] });
    expect([2, 3, 4, 5, 6].map((i) => learningRate(solver, i, Math.max(0, i - 3)).currentStep)).toEqual([
      0, 1, 2, 3, 3,
    ]);
  });
  test("poly", () => {
    expectRates(
      { lr_policy: "poly", power: 2, max_iter: 60 },
      at(60, (i) => 0.01 * (1 - i / 60) ** 2),
    );
  });
  test("sigmoid", () => {
    expectRates(
      { lr_policy: "sigmoid", gamma: 0.1, stepsize: 30 },
      at(60, (i) => 0.01 / (1 + Math.exp(-0.1 * (i - 30)))),
    );
  });
  test("a rate is a float32", () => {
    for (const rate of rates({ lr_policy: "inv", gamma: 0.0001, power: 0.75 }, 20))
      expect(Math.fround(rate)).toBe(rate);
  });
});

describe("what is refused", () => {
  function mistakes(text: string): string {
    const diagnostics = createDiagnostics();
    const solver = parseMessage({ name: "solver.prototxt", text }, "SolverParameter", diagnostics);
    checkPolicy(solver, diagnostics);
    return new CortadoError(diagnostics.all).message;
  }

  test("an unknown policy, at its place, with a hint", () => {
    const message = mistakes('base_lr: 0.01\nlr_policy: "multstep"\n');
    expect(message).toContain("solver.prototxt:2:12: error: unknown learning rate policy");
    expect(message).toContain('did you mean "multistep"?');
  });
  test("no policy", () => {
    expect(mistakes("base_lr: 0.01\n")).toContain("the solver has no lr_policy");
  });
  test("a step without a stepsize, and with 0", () => {
    expect(mistakes('lr_policy: "step"\n')).toContain(
      'solver.prototxt:1:1: error: lr_policy "step" needs a stepsize',
    );
    expect(mistakes('lr_policy: "sigmoid"\nstepsize: 0')).toContain("solver.prototxt:2:11");
  });
  test("a negative gamma", () => {
    expect(mistakes('lr_policy: "exp"\ngamma: -1')).toContain("solver.prototxt:2:8");
  });
  test("the rate of an unknown policy", () => {
    expect(() => learningRate(solverOf({ lr_policy: "hope" }), 0, 0)).toThrow(CortadoError);
  });
  test("what Caffe takes", () => {
    expect(mistakes('lr_policy: "multistep" gamma: 0.1 stepvalue: 10')).toBe("");
    expect(mistakes('lr_policy: "poly" power: 1')).toBe("");
  });
});
