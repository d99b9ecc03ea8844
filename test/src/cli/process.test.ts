/** The compiled program as a process of its own: what only a real one can show. */
import { type ChildProcess, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Ended, freshProgram, startProgram } from "../../support/program.js";
import { folderWith, TINY_NET, TINY_SOLVER } from "./support.js";

beforeAll(freshProgram);

const removes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const remove of removes.splice(0)) await remove();
});

async function tiny(solver = TINY_SOLVER, net = TINY_NET): Promise<string> {
  const made = await folderWith({ "net.prototxt": net, "solver.prototxt": solver });
  removes.push(made.remove);
  return made.folder;
}

const snapshotsIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => name.includes("_iter_")).sort();

/** Sends a signal once, when the log says so. */
function signalAt(text: string, signal: NodeJS.Signals): (said: string, child: ChildProcess) => void {
  let sent = false;
  return (said, child) => {
    if (sent || !said.includes(text)) return;
    sent = true;
    child.kill(signal);
  };
}

const ENDLESS = TINY_SOLVER.replace("max_iter: 40", "max_iter: 100000000").replace(
  "display: 20",
  "display: 1",
);

describe("the compiled program", () => {
  test("trains, and ends by itself", async () => {
    const cwd = await tiny();
    const { code, stdout, stderr } = await startProgram(["train", "-solver=solver.prototxt", "-threads=2"], {
      cwd,
    });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("Trained tiny: 40 iterations");
  });

  test.each<[NodeJS.Signals, number, string]>([
    ["SIGINT", 130, "Interrupted"],
    ["SIGTERM", 143, "SIGTERM: ending"],
  ])("%s snapshots and exits with %i, on threads too", async (signal, expected, said) => {
    const cwd = await tiny(ENDLESS);
    const { code, stdout, stderr } = await startProgram(["train", "solver.prototxt", "--threads", "2"], {
      cwd,
      onText: signalAt("Iteration 3 ", signal),
    });
    expect([code, stderr]).toEqual([expected, expect.stringContaining(said)]);
    const iteration = /^Stopped tiny: ([\d,]+) iterations/m.exec(stdout)?.[1]?.replaceAll(",", "");
    expect(await snapshotsIn(cwd)).toEqual([
      `solver_iter_${iteration}.caffemodel`,
      `solver_iter_${iteration}.solverstate`,
    ]);
  });

  test("a reader that goes away ends it, with a snapshot and without a word", async () => {
    const cwd = await tiny(ENDLESS);
    const { code, stderr } = await startProgram(["train", "solver.prototxt", "--json"], {
      cwd,
      onText: (_, child) => child.stdout?.destroy(),
    });
    expect([code, stderr]).toEqual([141, ""]);
    expect((await snapshotsIn(cwd)).length).toBeGreaterThan(0);
  });

  test("mistakes exit with 2", async () => {
    const { code, stdout, stderr } = await startProgram(["train", "--sovler", "x"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("error: unknown option '--sovler'\n  did you mean --solver?\n");
  });
});

const DEEP = process.env["CORTADO_PROCESS_RUNS"] !== undefined;

const FULL = "/dev/full";

/** A command line of each command, in a folder with a net and its solver. */
const COMMANDS: readonly (readonly string[])[] = [
  ["check", "solver.prototxt"],
  ["train", "solver.prototxt"],
  ["--help"],
  ["--version"],
  ["summary", "net.prototxt"],
  ["explain", "net.prototxt"],
  ["time", "net.prototxt", "--iterations", "2"],
  ["test", "net.prototxt", "--weights", "solver_iter_40.caffemodel"],
  ["gradcheck", "net.prototxt", "--runs", "1"],
  ["diff", "net.prototxt", "--target", "ts", "--target", "ts"],
  ["build", "net.prototxt", "--out", "out"],
  ["device_query"],
];

describe.skipIf(!existsSync(FULL))("outputs that take nothing", () => {
  /** Runs with /dev/full as one of its outputs. */
  async function withFull(name: "stdout" | "stderr", argv: readonly string[], cwd: string): Promise<Ended> {
    const full = openSync(FULL, "w");
    try {
      return await startProgram(argv, { cwd, [name]: full });
    } finally {
      closeSync(full);
    }
  }
  const words = "error: cannot write to stdout: the disk is full\n";

  test.each(DEEP ? COMMANDS : COMMANDS.slice(0, 2))("%s ends with 74 and one sentence", async (...argv) => {
    const cwd = await tiny();
    if (argv[0] === "test") expect((await startProgram(["train", "solver.prototxt"], { cwd })).code).toBe(0);
    const { code, stderr } = await withFull("stdout", argv, cwd);
    expect([code, stderr]).toEqual([74, words]);
    // What has been learned is not lost with the log.
    if (argv[0] === "train") expect((await snapshotsIn(cwd)).length).toBe(2);
  });

  test("stderr changes nothing but a code of 0", async () => {
    expect((await withFull("stderr", ["summary", "none"], await tiny())).code).toBe(2);
    if (DEEP)
      expect((await withFull("stderr", ["check", "solver.prototxt", "-gpu=0"], await tiny())).code).toBe(74);
  });
});

/** No file may become larger than 8 KiB: room for what libraries note of their errors, and not for this net's weights. */
const NO_ROOM = "ulimit -f 8";
const LARGE_NET = TINY_NET.replace("num_output: 3", "num_output: 3000");

describe.skipIf(process.platform === "win32")("a disk without room: 74, and nothing half-written", () => {
  const HDF5 = `${TINY_SOLVER} snapshot_format: HDF5`;
  const OUTPUT = `${LARGE_NET} layer { name: "o" type: "HDF5Output" bottom: "ip" bottom: "label"
    hdf5_output_param { file_name: "o.h5" } include { phase: TEST } }`;
  const cases: readonly {
    readonly argv: readonly string[];
    readonly says: string;
    readonly solver?: string;
    readonly net?: string;
  }[] = [
    { argv: ["train", "solver.prototxt"], says: "cannot write the weights" },
    {
      argv: ["train", "solver.prototxt"],
      says: "HDF5 needs a file in the folder for temporary files",
      solver: HDF5,
    },
    { argv: ["build", "net.prototxt", "--out", "out"], says: 'cannot write "out/weights.safetensors"' },
    {
      argv: ["test", "net.prototxt", "--weights", "solver_iter_40.caffemodel", "--iterations", "2"],
      says: "cannot write the file",
      net: OUTPUT,
    },
  ];
  test.each(DEEP ? cases : cases.slice(0, 1))("$argv: $says", async ({ argv, says, solver, net }) => {
    const cwd = await tiny(solver, net ?? LARGE_NET);
    if (argv[0] === "test") await startProgram(["train", "solver.prototxt"], { cwd });
    const before = await readdir(cwd);
    const { code, stderr } = await startProgram(argv, { cwd, before: NO_ROOM });
    expect([code, stderr]).toEqual([74, expect.stringContaining(says)]);
    expect(stderr).toContain("larger than the system allows");
    expect(stderr).not.toMatch(/^\s+at /m);
    expect((await readdir(cwd)).filter((name) => !before.includes(name) && name !== "out")).toEqual([]);
  });
});

describe.skipIf(!DEEP)("signals at any moment", () => {
  const RUNS = Number(process.env["CORTADO_PROCESS_RUNS"] ?? 0);
  /** Large enough for a snapshot to take a while, with tests and snapshots all the time, and data that are prefetched. */
  const BUSY_NET = TINY_NET.replace("num_output: 3", "num_output: 20000").replaceAll("dim: 8", "dim: 64");
  const BUSY = TINY_SOLVER.replace("max_iter: 40", "max_iter: 100000000")
    .replace("display: 20", "display: 1")
    .replace("test_interval: 20", "test_interval: 3 snapshot: 5");

  /** Ten moments between the process's start and some iterations, and texts of the log that stand for a phase. */
  const moments: readonly (number | string)[] = [
    ...Array.from({ length: 10 }, (_, i) => 80 * (i + 1) ** 1.6),
    "Solving",
    "Testing net",
    "Iteration 0 ",
    "Iteration 4 ",
    "Snapshotting to",
    "Snapshotting solver state",
    "Test net output",
    "Iteration 9 ",
  ];
  const signals: readonly (readonly NodeJS.Signals[])[] = [
    ["SIGINT"],
    ["SIGTERM"],
    ["SIGHUP"],
    ["SIGINT", "SIGINT"],
    ["SIGHUP", "SIGTERM"],
    ["SIGKILL"],
  ];
  const codes: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 143 };

  const cases = moments.flatMap((moment) =>
    signals.flatMap((sent) => [1, 2].map((threads) => ({ moment, sent, threads }))),
  );
  test.each(cases.slice(0, RUNS))("$sent at $moment, $threads threads", async ({ moment, sent, threads }) => {
    const cwd = await tiny(BUSY, BUSY_NET);
    let child: ChildProcess | undefined;
    let done = false;
    const send = (): void => {
      if (done) return;
      done = true;
      for (const signal of sent) child?.kill(signal);
      // A training that goes on is ended later.
      if (sent.at(-1) === "SIGHUP") setTimeout(() => child?.kill("SIGTERM"), 1500);
    };
    const ended = await startProgram(["train", "solver.prototxt", "-threads", String(threads)], {
      cwd,
      onStart(started) {
        child = started;
        if (typeof moment === "number") setTimeout(send, moment);
      },
      onText: (text) => void (typeof moment === "string" && text.includes(moment) && send()),
    });
    // Until the program's first line has run, the system ends it.
    if (ended.signal !== null) expect(sent).toContain(ended.signal);
    else expect(ended.code).toBe(codes[sent.at(-1) ?? ""]);
    expect(ended.stderr).not.toMatch(/^\s+at |fault in Cortado/m);

    const files = await snapshotsIn(cwd);
    const stopped = /^Stopped tiny: ([\d,]+) iterations/m.exec(ended.stdout)?.[1]?.replaceAll(",", "");
    if (stopped !== undefined) expect(files).toContain(`solver_iter_${stopped}.solverstate`);
    // Unfinished files are of those that could not say goodbye only, and the next run removes them.
    if (sent[0] !== "SIGKILL")
      expect((await readdir(cwd)).filter((name) => name.startsWith("."))).toEqual([]);
    const states = files.filter((name) => name.endsWith("state"));
    for (const state of states.slice(-1)) {
      const iteration = Number(/_iter_(\d+)/.exec(state)?.[1]);
      await readFile(`${cwd}/${state.replace("solverstate", "caffemodel")}`);
      const resumed = spawnSync(
        process.execPath,
        [
          await freshProgram(),
          "train",
          "solver.prototxt",
          "-snapshot",
          state,
          "--json",
          "-sighup_effect=stop",
        ],
        { cwd, timeout: 1500, killSignal: "SIGTERM", encoding: "utf8" },
      );
      expect(resumed.stdout).toContain(`{"kind":"restore","file":"${state}","iteration":${iteration}}`);
      expect((await readdir(cwd)).filter((name) => name.startsWith("."))).toEqual([]);
    }
  });
});
