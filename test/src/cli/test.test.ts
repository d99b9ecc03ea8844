import { afterEach, describe, expect, test } from "vitest";
import { cortado, folderWith, TINY_NET, TINY_SOLVER } from "./support.js";

let remove: (() => Promise<void>) | undefined;
afterEach(() => remove?.());

async function trained() {
  const made = await folderWith({ "net.prototxt": TINY_NET, "solver.prototxt": TINY_SOLVER });
  remove = made.remove;
  expect((await cortado(["train", "solver.prototxt"], { cwd: made.folder })).code).toBe(0);
  return made;
}

const WEIGHTS = "solver_iter_40.caffemodel";

describe("cortado test", () => {
  test("every batch, then the means, in Caffe's words", async () => {
    const { folder } = await trained();
    const { code, stdout, stderr } = await cortado(
      ["test", "-model", "net.prototxt", "-weights", WEIGHTS, "-iterations", "3"],
      { cwd: folder },
    );
    expect([code, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(0, 3)).toEqual(['1 layer took weights: "ip"', "", "Running for 3 iterations on ts."]);
    expect(lines.filter((line) => line.startsWith("Batch "))).toHaveLength(6);
    const losses = lines.flatMap((line) => /^Batch \d, loss = (\S+)$/.exec(line)?.[1] ?? []).map(Number);
    const mean = Number(/^loss = (\S+) \(\* 1 = \S+ loss\)$/m.exec(stdout)?.[1]);
    expect(mean).toBeCloseTo((losses[0] + losses[1] + losses[2]) / 3, 6);
    expect(stdout).toMatch(/^accuracy = 1$/m);
    expect(Number(/^Loss: (\S+)$/m.exec(stdout)?.[1])).toBe(mean);
  });

  test("50 batches unless told otherwise; several weights; JSON is one document", async () => {
    const { folder } = await trained();
    const { code, stdout, stderr } = await cortado(
      ["test", "net.prototxt", "--weights", `${WEIGHTS},${WEIGHTS}`, "--json"],
      { cwd: folder },
    );
    expect([code, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout) as {
      weights: { matched: string[] }[];
      batches: { outputs: { blob: string; value: number }[] }[];
      means: { blob: string; value: number; lossWeight: number }[];
      loss: number;
    };
    expect(report.weights.map(({ matched }) => matched)).toEqual([["ip"], ["ip"]]);
    expect(report.batches).toHaveLength(50);
    expect(report.means.map(({ blob }) => blob)).toEqual(["accuracy", "loss"]);
    expect(report.loss).toBe(report.means[1].value);
  });

  test("a net that a program would feed cannot be tested", async () => {
    const { folder } = await trained();
    const made = await folderWith({
      "deploy.prototxt":
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 } } }',
    });
    try {
      const { code, stderr } = await cortado(["test", made.path("deploy.prototxt"), "--weights", WEIGHTS], {
        cwd: folder,
      });
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: nothing feeds "data": this net waits/);
    } finally {
      await made.remove();
    }
  });

  test("weights that are not there, or are none", async () => {
    const { folder } = await trained();
    for (const weights of ["none.caffemodel", "net.prototxt"]) {
      const { code, stdout, stderr } = await cortado(["test", "net.prototxt", "--weights", weights], {
        cwd: folder,
      });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^error: /);
      expect(stderr).toContain(weights);
    }
  });
});
