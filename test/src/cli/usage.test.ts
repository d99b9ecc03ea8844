import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CortadoError, fileError, fileMistake } from "../../../proto/errors/index.js";
import { reportFault } from "../../../src/cli/faults.js";
import { run } from "../../../src/cli/run.js";
import { cortado } from "./support.js";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const COMMANDS = ["train", "test", "time", "summary", "check", "gradcheck", "diff", "build", "device_query"];

describe("help and version", () => {
  test.each([["--version"], ["-V"], ["-version"]])("%s", async (flag) => {
    expect(await cortado([flag])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
  test.each([["--help"], ["-h"], ["-help"], ["help"]])("%s names every command", async (flag) => {
    const { code, stdout, stderr } = await cortado([flag]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    for (const later of ["draw"]) expect(stdout).not.toContain(later);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  });
  test.each(COMMANDS)("help of %s", async (command) => {
    const help = await cortado(["help", command]);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain(`Usage: cortado ${command}`);
    expect((await cortado([command, "--help"])).stdout).toBe(help.stdout);
    expect((await cortado(["--help", command])).stdout).toBe(help.stdout);
  });
  test.each([40, 80, 120, 200])("paragraphs are wrapped once, at %i columns", async (columns) => {
    const width = Math.min(columns, 110);
    for (const command of ["", ...COMMANDS]) {
      const { stdout } = await cortado(["help", command].filter(Boolean), { columns });
      const lines = stdout.split("\n");
      // Usage and examples are not to be broken.
      expect(lines.filter((line) => line.length > width && !/^( {2}cortado |Usage)/.test(line))).toEqual([]);
      const [, about, ...rest] = stdout.split("\n\n");
      for (const paragraph of [about, ...rest.filter((part) => part.startsWith("Exit codes"))])
        expect(tooShort(paragraph.trimEnd().split("\n"), width)).toEqual([]);
    }
  });

  /** Lines that had room for the first word of the next one. */
  const tooShort = (lines: readonly string[], width: number): readonly string[] =>
    lines.filter(
      (line, i) => i + 1 < lines.length && `${line} ${lines[i + 1].split(" ")[0]}`.length <= width,
    );

  test("nothing at all is a question for help", async () => {
    const { code, stdout, stderr } = await cortado([]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: cortado");
  });
});

describe("mistakes on the command line are reported at the flag, and exit with 2", () => {
  test.each<[argv: string[], message: string]>([
    [["tran"], "error: unknown command 'tran'\n  did you mean train?\n"],
    [["frobnicate"], "error: unknown command 'frobnicate'\n"],
    [["train", "--sovler", "x"], "error: unknown option '--sovler'\n  did you mean --solver?\n"],
    [["train", "-sovler=x"], "error: unknown option '--sovler=x'\n"],
    [["train"], "error: train needs a solver\n  cortado train --solver solver.prototxt\n"],
    [["time"], "error: time needs a net\n  cortado time --model model.prototxt\n"],
    [["summary", "a", "--model", "b"], 'error: a net is given twice: "a" and --model b\n'],
    [["summary", "a", "b"], "error: too many arguments for 'summary'. Expected 1 argument but got 2.\n"],
    [["check"], "error: missing required argument 'files'\n"],
    [["test", "-model", "m"], "error: test needs trained weights\n"],
    [["train", "--solver"], "error: option '--solver <file>' argument missing\n"],
    [["train", "-solver", "-weights", "w"], "A value is missing before the next option."],
    [["train", "--solver="], "error: option '--solver <file>' argument '' is invalid. It is empty.\n"],
    [["train", "s", "--weights", "w", "--snapshot", "x"], "--weights and --snapshot exclude each other"],
    [["time", "m", "--iterations", "0"], "argument '0' is invalid. Expected a whole number from 1 on.\n"],
    [["time", "m", "--iterations", "abc"], "argument 'abc' is invalid. Expected a whole number from 1 on.\n"],
    [["time", "m", "-iterations", "-3"], "argument '-3' is invalid. Expected a whole number from 1 on.\n"],
    [["time", "m", "-iterations=1e3"], "argument '1e3' is invalid."],
    [["time", "m", "-iterations=99999999999"], "argument '99999999999' is invalid."],
    [["time", "m", "--threads", "1.5"], "argument '1.5' is invalid."],
    [["train", "s", "--seed", "-1"], "Expected a whole number from 0 on."],
    [["time", "m", "--phase", "tset"], "Expected TRAIN or TEST: did you mean TEST?"],
    [["time", "m", "--target", "gpu"], "Expected auto, ts, wasm, native or cuda."],
    [["summary", "m", "--shape", "data"], "Expected a blob and its shape, as data=64,1,28,28."],
    [["summary", "m", "--shape", "data=1,-2"], "Expected a blob and its shape"],
    [
      ["summary", "/no/such/net.prototxt"],
      'error: Cannot read the net "/no/such/net.prototxt": there is no such file or folder\n',
    ],
    [
      ["train", "/no/such/solver.prototxt"],
      'error: Cannot read the solver "/no/such/solver.prototxt": there is no such file or folder\n',
    ],
    [["summary", "/"], 'error: Cannot read the net "/": it is a folder\n'],
  ])("%j", async (argv, message) => {
    const { code, stdout, stderr } = await cortado(argv);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([2, ""]);
  });

  test("a control character in an argument does not reach the terminal", async () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect((await cortado(["\x1b[2Jx"])).stderr).not.toMatch(/\x1b/);
  });
});

describe("flags of Caffe that a command does not use", () => {
  const ALL: Readonly<Record<string, string>> = {
    solver: "s",
    model: "/no/such",
    weights: "a,b",
    snapshot: "x.solverstate",
    phase: "TEST",
    level: "-1",
    stage: "a,b",
    iterations: "5",
    gpu: "0,1",
    sigint_effect: "none",
    sighup_effect: "stop",
  };
  const flags = Object.entries(ALL);
  test.each(COMMANDS.filter((command) => command !== "device_query"))(
    "%s takes them all",
    async (command) => {
      const rest = command === "build" ? ["--out", "/no/such"] : command === "train" ? [] : ["/no/such"];
      const given = flags.filter(([flag]) => command !== "train" || flag !== "snapshot");
      const { code, stderr } = await cortado([
        command,
        ...given.map(([flag, value]) => `-${flag}=${value}`),
        ...rest,
      ]);
      expect(code).toBe(2);
      expect(stderr).not.toMatch(/unknown option|argument/);
      const used = (await cortado([command, "--help"])).stdout;
      const unused = given
        .map(([flag]) => `--${flag.replace("_", "-")}`)
        .filter(
          (flag) => !used.includes(`${flag} <`) && !(flag === "--gpu" && /train|test|time/.test(command)),
        );
      const hidden = command === "time" ? ["--weights"] : [];
      const [, named = ""] = new RegExp(`^note: ${command} does not use (.*)$`, "m").exec(stderr) ?? [];
      expect(named.split(", ").sort()).toEqual(unused.filter((flag) => !hidden.includes(flag)).sort());
    },
  );
  test("their values are looked at all the same", async () => {
    const { code, stderr } = await cortado(["device_query", "-iterations", "abc"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("argument 'abc' is invalid")]);
  });
});

describe("colours", () => {
  test("on a terminal only, and not with NO_COLOR", async () => {
    expect((await cortado(["tran"], { tty: true })).stderr).toContain("\x1b[31m");
    expect((await cortado(["tran"], { tty: true, env: { NO_COLOR: "1" } })).stderr).not.toContain("\x1b");
    expect((await cortado(["tran"], { tty: true, env: { TERM: "dumb" } })).stderr).not.toContain("\x1b");
    expect((await cortado(["tran"])).stderr).not.toContain("\x1b");
    expect((await cortado(["--help"], { tty: true })).stdout).toContain("\x1b[1mUsage:");
  });
});

describe("faults that are not the user's", () => {
  const broken = (error: unknown) => ({
    stdout: {
      write: () => {
        throw error;
      },
    },
    env: {},
    cwd: process.cwd(),
  });
  test("anything unexpected asks to be reported, with a stack, and exits with 70", async () => {
    let stderr = "";
    const io = {
      ...broken(new TypeError("x is not a function")),
      stderr: { write: (text: string) => (stderr += text) },
    };
    expect(await run(["--version"], io)).toBe(70);
    expect(stderr).toMatch(/^error: TypeError: x is not a function\nThis is a fault in Cortado itself/);
    expect(stderr).toMatch(/^\s+at /m);
  });
  test("what the system refuses exits with 74, without a stack", async () => {
    let stderr = "";
    const refused = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
      syscall: "write",
    });
    const io = { ...broken(refused), stderr: { write: (text: string) => (stderr += text) } };
    expect(await run(["--version"], io)).toBe(74);
    expect(stderr).toBe("error: ENOSPC: no space left on device, write\n");
  });
  test.each<[codes: readonly string[], expected: number, words: string]>([
    [["ENOSPC"], 74, "the disk is full"],
    [["EACCES"], 74, "no permission"],
    [["EROFS"], 74, "it lies on a read-only disk"],
    [["EMFILE"], 74, "too many files are open"],
    [["EIO"], 74, "the device does not work"],
    [["ENOENT"], 2, "there is no such file or folder"],
    [["EISDIR"], 2, "it is a folder"],
    [["ENOSPC", "EIO"], 74, "the disk is full"],
    [["ENOSPC", "ENOENT"], 2, "the disk is full"],
  ])("%j of a file that was named: %i", (codes, expected, words) => {
    let stderr = "";
    const io = { ...broken(undefined), stderr: { write: (text: string) => (stderr += text) } };
    const mistakes = codes.map((code) =>
      fileMistake("cannot write", Object.assign(new Error(code), { code })),
    );
    expect(reportFault(new CortadoError(mistakes), io)).toBe(expected);
    expect(stderr).toContain(`error: cannot write: ${words}\n`);
  });
  test("the system's words are known in what a library says, and behind another error", () => {
    const said = (error: Error) => fileError("cannot write", error).diagnostics[0];
    const full = { message: "cannot write: the disk is full", refused: true };
    expect(said(new Error("IO error: /x/y: No space left on device"))).toMatchObject(full);
    const cause = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    expect(said(new Error("not opened", { cause }))).toMatchObject(full);
    expect(said(new Error("out of luck"))).toEqual({
      severity: "error",
      message: "cannot write: out of luck",
    });
  });
  test("memory that is not there is said so", async () => {
    let stderr = "";
    const io = {
      ...broken(new RangeError("Array buffer allocation failed")),
      stderr: { write: (text: string) => (stderr += text) },
    };
    expect(await run(["--version"], io)).toBe(2);
    expect(stderr).toMatch(/^error: there is not enough memory/);
  });
});
