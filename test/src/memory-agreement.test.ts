/** What summary says a net takes is what compile and the solver take: it is said of the very programs that they run. */
import { totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createTsDevice } from "../../runtime/devices/ts/ts-device.js";
import { CortadoError, compile, createSolver } from "../../src/index.js";
import { holdDevice } from "../../src/net/open-device.js";
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

const limit = Math.min(totalmem(), process.constrainedMemory() || totalmem());
/** Layers of a GiB of weights each, that take a share of this machine's memory. */
const wide = (share: number): string => {
  const count = Math.ceil((share * limit) / 2 ** 30);
  const layers = Array.from(
    { length: count },
    (_, i) =>
      `layer { name: "ip${i}" type: "InnerProduct" bottom: "data" top: "ip${i}"
        inner_product_param { num_output: 16384 bias_term: false } }
      layer { name: "loss${i}" type: "Reduction" bottom: "ip${i}" top: "loss${i}" loss_weight: 1 }`,
  );
  return `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 16384 } } } ${layers.join("\n")}`;
};

test("what does not fit beside the history is refused before the parameters are taken", async () => {
  const solver = `net_param { ${wide(0.4)} } type: "Adam" base_lr: 0.1 lr_policy: "fixed" max_iter: 1`;
  const error = await createSolver(solver, { target: "ts" }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CortadoError);
  expect(String(error)).toMatch(
    /^CortadoError: error: the net's history .*, parameters .*, blobs .* need .* of memory, and this machine has/,
  );
});

test("nets on one device count together, until they are closed", async () => {
  const asked: string[] = [];
  const device = {
    ...createTsDevice("float32"),
    checkMemory: (bytes: number, what: string) => void asked.push(`${what}: ${bytes}`),
  };
  const memory = { parameters: 1024, blobs: 2048, history: 0, scratch: 0, batches: 0, copies: 0 };
  const first = holdDevice(device);
  first.reserve(memory);
  const second = first.share();
  second.reserve(memory);
  await second.close();
  first.share().reserve({ ...memory, scratch: 8 });
  expect(asked).toEqual([
    "the net's blobs 2.00 KiB, parameters 1.00 KiB: 3072",
    "the net's blobs 2.00 KiB, parameters 1.00 KiB, beside 3.00 KiB of nets that share parameters,: 6144",
    "the net's blobs 2.00 KiB, parameters 1.00 KiB, scratch 8 B, beside 3.00 KiB of nets that share parameters,: 6152",
  ]);
  const apart = holdDevice({ ...device, hostMemory: false });
  apart.reserve({ ...memory, batches: 4096 });
  expect(asked[3]).toMatch(/: 3072$/);
});
