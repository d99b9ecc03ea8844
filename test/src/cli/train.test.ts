import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import type { Signal } from "../../../src/cli/io.js";
import { cortado, folderWith, TINY_NET, TINY_SOLVER } from "./support.js";

let remove: (() => Promise<void>) | undefined;
afterEach(() => remove?.());

async function tiny(solver = TINY_SOLVER, net = TINY_NET) {
  const made = await folderWith({ "net.prototxt": net, "solver.prototxt": solver });
  remove = made.remove;
  return made;
}

/** A squared error grows without bound. */
const DIVERGING_NET = `
layer {
  name: "d" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 2 } shape { dim: 4 dim: 1 } data_filler { type: "gaussian" } }
}
layer {
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 1 weight_filler { type: "xavier" } }
}
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss" }
`;

describe("without a terminal: Caffe's log", () => {
  test("trains, tests, snapshots, and ends with the results", async () => {
    const { folder, path } = await tiny();
    const { code, stdout, stderr } = await cortado(["train", "-solver", path("solver.prototxt")], {
      cwd: folder,
    });
    expect([code, stderr]).toEqual([0, ""]);
    const number = "[0-9.e-]+";
    for (const line of [
      "Solving tiny",
      "Learning Rate Policy: fixed",
      "Iteration 0, Testing net \\(#0\\)",
      `    Test net output #0: accuracy = ${number}`,
      `    Test net output #1: loss = ${number} \\(\\* 1 = ${number} loss\\)`,
      `Iteration 20 \\(${number} iter/s, ${number}s/20 iters\\), loss = ${number}`,
      `    Train net output #0: loss = ${number} \\(\\* 1 = ${number} loss\\)`,
      "Iteration 20, lr = 0.1",
      "Snapshotting to .*solver_iter_40.caffemodel",
      "Optimization Done.",
      "Trained tiny: 40 iterations, .*, on ts",
      "  test accuracy  1",
      "  weights        solver_iter_40.caffemodel",
      "  state          solver_iter_40.solverstate \\(go on with --snapshot\\)",
    ])
      expect(stdout).toMatch(new RegExp(`^${line}$`, "m"));
    expect((await readdir(folder)).sort()).toEqual([
      "net.prototxt",
      "solver.prototxt",
      "solver_iter_40.caffemodel",
      "solver_iter_40.solverstate",
    ]);
  });

  test("goes on from a snapshot, and starts from weights, saying which layers took them", async () => {
    const { folder, path } = await tiny();
    expect((await cortado(["train", "solver.prototxt"], { cwd: folder })).code).toBe(0);
    const longer = TINY_SOLVER.replace("max_iter: 40", "max_iter: 60");
    const more = await folderWith({ "net.prototxt": TINY_NET, "solver.prototxt": longer });
    try {
      const resumed = await cortado(
        ["train", "-solver", "solver.prototxt", "-snapshot", path("solver_iter_40.solverstate")],
        { cwd: more.folder },
      );
      expect(resumed.code).toBe(0);
      expect(resumed.stdout).toMatch(/^Restoring previous solver status from .*solver_iter_40.solverstate$/m);
      expect(resumed.stdout).toMatch(/^Iteration 40 /m);
      expect(resumed.stdout).not.toMatch(/^Iteration 20 /m);
      expect(resumed.stdout).toMatch(/^Trained tiny: 60 iterations/m);
    } finally {
      await more.remove();
    }
    const started = await cortado(
      ["train", "--solver=solver.prototxt", "-weights=solver_iter_40.caffemodel", "-seed=4"],
      { cwd: folder },
    );
    expect(started.code).toBe(0);
    expect(started.stdout).toMatch(/^1 layer took weights: "ip"$/m);
  });

  test("the same seed gives the same weights, another one others", async () => {
    const { folder, path } = await tiny();
    const weights = async (...flags: string[]): Promise<string> => {
      expect((await cortado(["train", "solver.prototxt", ...flags], { cwd: folder })).code).toBe(0);
      return (await readFile(path("solver_iter_40.caffemodel"))).toString("base64");
    };
    const first = await weights();
    expect(await weights()).toBe(first);
    expect(await weights("--seed", "9")).not.toBe(first);
  });

  test("warnings and mistakes of the prototxt stand at their place", async () => {
    const { folder } = await tiny(TINY_SOLVER.replace("lr_policy", "lr_polcy"));
    const { code, stdout, stderr } = await cortado(["train", "solver.prototxt"], { cwd: folder });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /solver\.prototxt:2:\d+: error: unknown field "lr_polcy"\n.*\n.*\^{8}\n {2}did you mean "lr_policy"\?/,
    );
  });

  test("-gpu is ignored with a warning", async () => {
    const { folder } = await tiny();
    const { code, stderr } = await cortado(["train", "-solver", "solver.prototxt", "-gpu", "0"], {
      cwd: folder,
    });
    expect([code, stderr]).toEqual([0, "warning: --gpu is ignored: --target says where a net runs\n"]);
  });
});

describe("--json", () => {
  test("one object a line, and nothing else on stdout", async () => {
    const { folder } = await tiny();
    const { code, stdout, stderr } = await cortado(["train", "solver.prototxt", "--json"], { cwd: folder });
    expect([code, stderr]).toEqual([0, ""]);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; [field: string]: unknown });
    expect(events[0]).toMatchObject({
      kind: "start",
      net: "tiny",
      policy: "fixed",
      iteration: 0,
      maxIteration: 40,
    });
    const progress = events.filter(({ kind }) => kind === "progress");
    expect(progress.map(({ iteration }) => iteration)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    for (const { loss, rate } of progress) {
      expect(loss).toBeTypeOf("number");
      expect(rate).toBeCloseTo(0.1);
    }
    expect(events.filter(({ kind }) => kind === "test")).toHaveLength(3);
    expect(events.at(-1)).toMatchObject({
      kind: "result",
      net: "tiny",
      target: "ts",
      iteration: 40,
      stopped: false,
    });
  });

  test("a loss that is no number is a text, so that every line stays JSON", async () => {
    const { folder } = await tiny(TINY_SOLVER.replace("base_lr: 0.1", "base_lr: 1e30"), DIVERGING_NET);
    const { code, stdout } = await cortado(["train", "solver.prototxt", "--json"], { cwd: folder });
    expect(code).toBe(0);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; loss?: unknown; message?: string });
    expect(events.find(({ kind }) => kind === "warning")?.message).toContain("diverged");
    expect(events.at(-1)?.loss).toMatch(/NaN|Infinity/);
  });

  test("--finite names the layer that made the first number which is none", async () => {
    const nanRow = fileURLToPath(new URL("../../fixtures/diverged/nan-row/", import.meta.url));
    const { code, stderr } = await cortado(["train", "solver.prototxt", "--finite"], { cwd: nanRow });
    expect(code).toBe(2);
    expect(stderr).toContain('layer "d" (HDF5Data): top "data" is NaN at element 18 ([4, 2] of 10×4)');
  });
});

describe("on a terminal", () => {
  test("a progress line, tests above it, and a final block", async () => {
    const { folder } = await tiny(
      TINY_SOLVER.replace("max_iter: 40", "max_iter: 3000").replace(
        "test_interval: 20",
        "test_interval: 1500",
      ),
    );
    const { code, stdout, stderr } = await cortado(["train", "solver.prototxt"], {
      cwd: folder,
      tty: true,
      env: { LANG: "C.UTF-8" },
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(/100% {2}█+ {2}3000\/3000 {2}loss [0-9.e-]+ .*images\/s/);
    expect(stderr).toMatch(/Iteration 1500.*, test: accuracy = 1, loss = /);
    expect(stderr).not.toMatch(/Train net output/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: nothing is switched off that would have to be switched on again
    expect(stderr).not.toMatch(/\x1b\[\?(25|7)l/);
    expect(stdout).toContain("Trained tiny: 3,000 iterations");
    expect(stdout).toContain("test accuracy  1");
  });

  test("no progress line where stdout goes elsewhere, perhaps to the same terminal; to a file does not", async () => {
    const { folder } = await tiny();
    const teed = await cortado(["train", "solver.prototxt"], { cwd: folder, tty: "stderr" });
    expect([teed.code, teed.stderr]).toEqual([0, ""]);
    expect(teed.stdout).toMatch(/^Iteration 20, lr = 0.1$/m);
    const toFile = await cortado(["train", "solver.prototxt"], { cwd: folder, tty: "stderr", toFile: true });
    expect(toFile.stderr).toMatch(/40\/40 {2}loss/);
    expect(toFile.stdout).toMatch(/^Iteration 20, lr = 0.1$/m);
  });
});

describe("signals", () => {
  const endless = TINY_SOLVER.replace("max_iter: 40", "max_iter: 100000000").replace(
    "display: 20",
    "display: 1",
  );

  /** Trains without end. Signals come where the log says so: each with the text that it waits for. */
  async function signalled(
    signals: readonly (readonly [after: RegExp, ...signals: Signal[]])[],
    solver = endless,
    ...flags: string[]
  ) {
    const { folder } = await tiny(solver);
    let send: ((signal: Signal) => void) | undefined;
    const waiting = [...signals];
    const ran = await cortado(["train", "solver.prototxt", ...flags], {
      cwd: folder,
      onSignal: (listener) => {
        send = listener;
        return () => {
          send = undefined;
        };
      },
      onText(text) {
        if (!waiting[0]?.[0].test(text)) return;
        const [, ...now] = waiting.shift() ?? [/ /];
        for (const signal of now) send?.(signal);
      },
    });
    expect(send).toBeUndefined();
    const files = (await readdir(folder)).filter((name) => name.includes("_iter_")).sort();
    return { ...ran, files, iterations: files.map((name) => name.replace("solver_iter_", "")) };
  }
  const third = /Iteration 3 |"progress","iteration":3,/;
  const pair = (iteration: number) => [`${iteration}.caffemodel`, `${iteration}.solverstate`];

  test("the first Ctrl-C ends after the iteration, snapshots, and exits with 130", async () => {
    const { code, stdout, stderr, iterations } = await signalled([[third, "SIGINT"]]);
    expect([code, iterations]).toEqual([130, pair(4)]);
    expect(stderr).toBe(
      "Interrupted: ending after this iteration, with a snapshot. Once more Ctrl-C ends at once.\n",
    );
    expect(stdout).toContain("Optimization stopped early.");
    expect(stdout).toMatch(/^Stopped tiny: 4 iterations/m);
    expect(stdout).toMatch(/^ {2}weights +solver_iter_4.caffemodel$/m);
  });

  test("a solver that would not snapshot at its end does so all the same", async () => {
    const { code, iterations } = await signalled(
      [[third, "SIGTERM"]],
      `${endless} snapshot_after_train: false`,
    );
    expect([code, iterations]).toEqual([143, pair(4)]);
  });

  test("with --json it is two more lines", async () => {
    const { code, stdout, stderr } = await signalled([[third, "SIGINT"]], endless, "--json");
    expect([code, stderr]).toEqual([130, ""]);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string });
    expect(events.slice(-5).map(({ kind }) => kind)).toEqual([
      "progress",
      "stopping",
      "snapshot",
      "done",
      "result",
    ]);
    expect(events.at(-4)).toEqual({ kind: "stopping", signal: "SIGINT" });
  });

  test("the second Ctrl-C ends at once, without a snapshot, whatever the first signal was", async () => {
    for (const first of ["SIGINT", "SIGTERM"] as const) {
      const { code, stdout, files } = await signalled([[third, first, "SIGINT"]]);
      expect([code, files]).toEqual([130, []]);
      expect(stdout).not.toContain("Stopped tiny");
    }
  });

  test("SIGTERM snapshots and ends with 143, however often it comes", async () => {
    const { code, stderr, iterations } = await signalled([[third, "SIGTERM", "SIGTERM"]]);
    expect([code, iterations]).toEqual([143, pair(4)]);
    expect(stderr).toBe("SIGTERM: ending after this iteration, with a snapshot. Ctrl-C ends at once.\n");
  });

  test("SIGHUP snapshots and goes on, once an iteration, and in the middle of a test", async () => {
    const { code, stdout, iterations } = await signalled(
      [
        [/Iteration 0, Testing net/, "SIGHUP"],
        [third, "SIGHUP", "SIGHUP"],
        [/Iteration 9 /, "SIGTERM"],
      ],
      endless.replace("test_iter: 2", "test_iter: 20"),
    );
    expect([code, iterations]).toEqual([143, [...pair(0), ...pair(10), ...pair(4)]]);
    expect(stdout).toMatch(/^Iteration 0, Testing net[\s\S]*_iter_0\.solverstate\n {4}Test net output #0/m);
  });

  test("a snapshot asked for at the very end is of the end", async () => {
    const { code, iterations } = await signalled(
      [[/Iteration 40, Testing net/, "SIGHUP"]],
      `${TINY_SOLVER} snapshot_after_train: false`,
    );
    expect([code, iterations]).toEqual([0, pair(40)]);
  });

  test.each<[effect: string[], sent: Signal, code: number, snapshots: number[]]>([
    [["-sighup_effect", "stop"], "SIGHUP", 129, [4]],
    [["-sighup_effect=none"], "SIGHUP", 143, [10]],
    [["--sigint_effect=snapshot"], "SIGINT", 143, [10, 4]],
    [["-sigint_effect", "none"], "SIGINT", 143, [10]],
  ])("%j at %s", async (flags, sent, code, snapshots) => {
    const ran = await signalled(
      [
        [third, sent],
        [/Iteration 9 /, "SIGTERM"],
      ],
      endless,
      ...flags,
    );
    expect([ran.code, ran.iterations]).toEqual([code, snapshots.flatMap(pair)]);
  });

  test("an output that cannot be written ends it with a snapshot, too", async () => {
    const { stderr, iterations } = await signalled([[third, "SIGPIPE"]]);
    expect([stderr, iterations]).toEqual(["", pair(4)]);
  });
});
