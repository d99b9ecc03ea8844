import { readFileSync } from "node:fs";
import { it } from "vitest";
import { withFields } from "../../proto/index.js";
import { parseSolver } from "../../src/prototxt/index.js";
import { createSolver } from "../../src/train.js";
import { readJson } from "../support/case.js";
import { oraclePath } from "../support/oracle.js";
it("inv", async () => {
  const name = process.env["TRACE"] ?? "sgd-inv";
  const trace = readJson<{losses:number[]}>(oraclePath("traces", name, "trace.json"));
  const runs: number[][] = [];
  for (const dtype of ["float32", "float64"] as const) {
    const losses: number[] = []; runs.push(losses);
    const d = parseSolver(readFileSync(oraclePath("traces", name, "solver.prototxt"), "utf8"));
    const s = await createSolver({ ...d, solver: withFields(d.solver, { net: oraclePath("traces", "lenet_train_test.prototxt"), snapshot_prefix: "/tmp/x" }) },
      { root: oraclePath("files"), weights: oraclePath("traces", "lenet_init.caffemodel"), target: "ts", dtype, onProgress: ({ loss }) => losses.push(loss) });
    await s.step(60); await s.close();
  }
  for (let i = 0; i < 60; i++) {
    const c = trace.losses[i], a = runs[0][i], b = runs[1][i];
    console.log(i, c.toFixed(6), "f32-caffe", ((a-c)/c).toExponential(1), "f64-caffe", ((b-c)/c).toExponential(1), "f32-f64", ((a-b)/c).toExponential(1));
  }
}, 900000);
