import { describe, expect, test } from "vitest";
import { createDiagnostics, formatDiagnostics } from "../../../proto/errors/index.js";
import { parseSolver } from "../../../src/net-text/index.js";
import { checkSolver } from "../../../src/solvers/check-solver.js";

const GOOD = 'base_lr: 0.01 max_iter: 10 lr_policy: "fixed" net: "net.prototxt"';

function mistakes(more: string): string {
  const { solver } = parseSolver(`${GOOD}\n${more}`, { name: "solver.prototxt" });
  const diagnostics = createDiagnostics();
  checkSolver(solver, diagnostics);
  return formatDiagnostics(diagnostics.all);
}

describe("what is refused", () => {
  test.each([
    ['type: "Adm"', 'solver.prototxt:2:7: error: unknown solver type "Adm"', 'did you mean "Adam"'],
    ['type: "AdaGrad" momentum: 0.9', "solver.prototxt:2:27", "momentum cannot be used with AdaGrad"],
    ['type: "RMSProp" momentum: 0.9', "solver.prototxt:2:27", "momentum cannot be used with RMSProp"],
    ['type: "RMSProp" rms_decay: 1', "solver.prototxt:2:28", "rms_decay must lie in [0, 1)"],
    ["solver_type: ADAGRAD momentum: 0.9", "solver.prototxt:2:32", "momentum cannot be used with AdaGrad"],
    ['weight_decay: 0.1 regularization_type: "L3"', "solver.prototxt:2:40", "unknown regularization type"],
    ["iter_size: 0", "solver.prototxt:2:12", "iter_size must be at least 1"],
    ["average_loss: 0", "solver.prototxt:2:15", "average_loss must be at least 1"],
    ["snapshot: -1", "solver.prototxt:2:11", "snapshot must not be negative"],
    ["test_iter: 1 test_iter: -4", "solver.prototxt:2:25", "test_iter must not be negative"],
  ])("%s", (text, place, message) => {
    const found = mistakes(text);
    expect(found).toContain(place);
    expect(found).toContain(message);
  });
  test("all mistakes at once", () => {
    expect(mistakes('type: "Adm" iter_size: 0 display: -1').match(/error:/g)).toHaveLength(3);
  });
});

describe("what is not", () => {
  test.each([
    "",
    'type: "Adam" momentum: 0.9 momentum2: 0.99 delta: 1e-8',
    'regularization_type: "L3"',
    "solver_mode: GPU clip_gradients: 0 test_iter: 0 test_interval: 1",
  ])("%s", (text) => {
    expect(mistakes(text)).toBe("");
  });
  test("a solver that can learn nothing is warned of", () => {
    const { solver } = parseSolver('lr_policy: "fixed"');
    const diagnostics = createDiagnostics();
    checkSolver(solver, diagnostics);
    expect(diagnostics.hasErrors).toBe(false);
    expect(diagnostics.all.map(({ message }) => message)).toEqual([
      expect.stringContaining("base_lr"),
      expect.stringContaining("max_iter"),
    ]);
  });
});
