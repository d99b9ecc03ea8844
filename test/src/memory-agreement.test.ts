/** What summary says a net takes is what compile and the solver take: it is said of the very programs that they run. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compile, createSolver } from "../../src/index.js";
import { hasOracle, oraclePath } from "../support/oracle.js";
import { cortado, folderWith } from "./cli/support.js";

const local = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

interface Summary {
  readonly memory: { readonly arenaBytes: number };
  readonly training: { readonly rule: string; readonly arenaBytes: number; readonly historyBytes: number };
}

const SGD = `base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 max_iter: 1 snapshot_after_train: false`;

/** Bytes of the blobs: of summary, of a compiled net, of a solver's net. */
async function agree(net: string, rule = SGD, flags: readonly string[] = []): Promise<Summary> {
  const { code, stdout, stderr } = await cortado([
    ...["summary", net, "--phase", "TRAIN", "--json", ...flags],
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const said = JSON.parse(stdout) as Summary;
  const compiled = await compile(net, { phase: "TRAIN", target: "ts" });
  expect(said.memory.arenaBytes).toBe(compiled.plan.arenaBytes);
  await compiled.close();
  const solver = await createSolver(`net: ${JSON.stringify(net)} ${rule}`, {
    target: "ts",
    inputs: () => ({}),
  });
  expect(said.training.arenaBytes).toBe(solver.net.plan.arenaBytes);
  const history = solver.net.history.reduce(
    (sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1),
    0,
  );
  expect(said.training.historyBytes).toBe(history);
  await solver.close();
  return said;
}

test("LeNet 64", async () => {
  const { memory, training } = await agree(local("examples/lenet/train_test.prototxt"));
  expect(training.rule).toBe("SGD with momentum");
  // Nothing has to stay for a second backward.
  expect(training.arenaBytes).toBeLessThan(memory.arenaBytes);
});

test("LeNet 64 with the rule of a solver's file", async () => {
  const rule = `base_lr: 0.001 lr_policy: "fixed" type: "Adam" momentum: 0.9 momentum2: 0.999`;
  const made = await folderWith({ "solver.prototxt": rule });
  try {
    const flags = ["--solver", made.path("solver.prototxt")];
    const { training } = await agree(local("examples/lenet/train_test.prototxt"), rule, flags);
    expect(training.rule).toBe("Adam");
    expect(training.historyBytes).toBe(2 * 4 * 431080);
  } finally {
    await made.remove();
  }
});

test("AlexNet", async () => {
  await agree(local("benchmarks/nets/alexnet_train.prototxt"));
}, 120_000);

test.skipIf(!hasOracle())(
  "GoogLeNet",
  async () => {
    await agree(oraclePath("corpus", "057", "net.prototxt"));
  },
  120_000,
);

test("a net with nothing to train has no line of it, and --solver is refused without training", async () => {
  const deploy = local("examples/lenet/deploy.prototxt");
  const { stdout } = await cortado(["summary", deploy, "--phase", "TRAIN"]);
  expect(stdout).toMatch(/^memory, forward {2}/m);
  expect(stdout).not.toContain("training step");
  const refused = await cortado(["summary", deploy, "--solver", "s.prototxt"]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("add --phase TRAIN")]);
});
