import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Grammar, normaliseArguments } from "../../../src/cli/arguments.js";

const grammar: Grammar = {
  commands: ["train", "test", "time", "summary", "check"],
  valued: new Set([
    "solver",
    "model",
    "weights",
    "snapshot",
    "iterations",
    "phase",
    "gpu",
    "shape",
    "dry-run",
  ]),
  flags: new Set(["json", "help", "version", "plan"]),
};
const args = (...argv: string[]): readonly string[] => normaliseArguments(argv, grammar).args;

describe("Caffe's spellings", () => {
  test.each<[given: string[], expected: string[]]>([
    [
      ["train", "--solver", "s.prototxt"],
      ["train", "--solver", "s.prototxt"],
    ],
    [
      ["train", "-solver", "s.prototxt"],
      ["train", "--solver", "s.prototxt"],
    ],
    [
      ["train", "-solver=s.prototxt"],
      ["train", "--solver=s.prototxt"],
    ],
    [
      ["train", "--solver=s.prototxt"],
      ["train", "--solver=s.prototxt"],
    ],
    [
      ["train", "-solver=a=b.prototxt"],
      ["train", "--solver=a=b.prototxt"],
    ],
    [
      ["train", "-solver="],
      ["train", "--solver="],
    ],
    [
      ["test", "-model", "m", "-weights", "w", "-iterations", "100"],
      ["test", "--model", "m", "--weights", "w", "--iterations", "100"],
    ],
    [
      ["time", "-model=m", "-phase=TEST", "-gpu", "0"],
      ["time", "--model=m", "--phase=TEST", "--gpu", "0"],
    ],
    [
      ["train", "-snapshot", "x.solverstate"],
      ["train", "--snapshot", "x.solverstate"],
    ],
    [
      ["time", "-dry_run", "x"],
      ["time", "--dry-run", "x"],
    ],
    [
      ["time", "-dry_run=x"],
      ["time", "--dry-run=x"],
    ],
  ])("%j", (given, expected) => expect(args(...given)).toEqual(expected));
});

describe("the command comes first", () => {
  test.each<[given: string[], expected: string[]]>([
    [
      ["--solver", "s", "train"],
      ["train", "--solver", "s"],
    ],
    [
      ["-solver=s", "train", "-gpu", "0"],
      ["train", "--solver=s", "--gpu", "0"],
    ],
    [
      ["--json", "summary", "net"],
      ["summary", "--json", "net"],
    ],
    // The value of an option is no command, even if it is called like one.
    [
      ["--model", "train", "time"],
      ["time", "--model", "train"],
    ],
    [
      ["--json", "net.prototxt", "train"],
      ["--json", "net.prototxt", "train"],
    ],
    [
      ["summary", "train"],
      ["summary", "train"],
    ],
    [["--json"], ["--json"]],
    [[], []],
  ])("%j", (given, expected) => expect(args(...given)).toEqual(expected));
});

describe("what is left as it is", () => {
  test.each<[string[]]>([
    [["test", "--iterations", "-3"]],
    [["test", "--weights", "-solver"]],
    [["summary", "-"]],
    [["-h"]],
    [["-V"]],
    [["train", "-3"]],
    [["summary", "--", "-solver", "x"]],
    [["check", "a.prototxt", "b.prototxt"]],
    [["train", "--no-such=thing"]],
    [["train", ""]],
  ])("%j", (given) => expect(args(...given)).toEqual(given));

  test("an unknown option of one dash is shown with two, for the suggestion", () => {
    expect(args("train", "-sovler", "x")).toEqual(["train", "--sovler", "x"]);
  });
});

describe("a flag of Caffe's that is empty", () => {
  test.each<[given: string[], expected: string[]]>([
    [["train", "-weights=", "-snapshot", "", "--gpu=", "-phase="], ["train"]],
    [
      ["train", "-solver=", "-snapshot"],
      ["train", "--solver=", "--snapshot"],
    ],
  ])("%j says nothing, but for what a command is about", (given, expected) =>
    expect(args(...given)).toEqual(expected),
  );
});

describe("flags", () => {
  test.each<[given: string[], expected: string[]]>([
    [
      ["summary", "--json=true"],
      ["summary", "--json"],
    ],
    [
      ["summary", "-json=1"],
      ["summary", "--json"],
    ],
    [["summary", "--json=false"], ["summary"]],
    [
      ["summary", "--json=0", "net"],
      ["summary", "net"],
    ],
    [
      ["summary", "--json=perhaps"],
      ["summary", "--json=perhaps"],
    ],
    [
      ["train", "-help"],
      ["train", "--help"],
    ],
    [["-nojson", "summary", "--noplan"], ["summary"]],
    [
      ["summary", "--json=Y", "--plan=f", "-plan=T"],
      ["summary", "--json", "--plan"],
    ],
    [
      ["train", "-helpshort"],
      ["train", "--help"],
    ],
    // A flag does not swallow what follows it.
    [
      ["-json", "summary", "net"],
      ["summary", "--json", "net"],
    ],
  ])("%j", (given, expected) => expect(args(...given)).toEqual(expected));
});

describe("options of Caffe's log", () => {
  test.each<[given: string[], expected: string[], ignored: string[]]>([
    [["train", "-logtostderr", "-solver", "s"], ["train", "--solver", "s"], ["-logtostderr"]],
    [["train", "--logtostderr=1"], ["train"], ["--logtostderr=1"]],
    [["train", "-log_dir", "logs", "-solver", "s"], ["train", "--solver", "s"], ["-log_dir logs"]],
    [["train", "-log_dir=logs"], ["train"], ["-log_dir=logs"]],
    [["train", "-v", "1"], ["train"], ["-v 1"]],
    [["-logtostderr", "train"], ["train"], ["-logtostderr"]],
    [["train", "-nolog_prefix", "-logbufsecs", "0"], ["train"], ["-nolog_prefix", "-logbufsecs 0"]],
  ])("%j", (given, expected, ignored) =>
    expect(normaliseArguments(given, grammar)).toEqual({ args: expected, ignored }),
  );
});

test("whatever is given, every argument that comes out was written by the user", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "train",
      "-solver",
      "--solver",
      "-solver=x",
      "-json",
      "--gpu",
      "-dry_run",
      "0",
      "-3",
      "-h",
      "--",
    ),
    fc.string({ maxLength: 6 }),
  );
  const plain = (arg: string): string => arg.replace(/^-+/, "").replaceAll("_", "-");
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
      const written = argv.flatMap((arg) => [plain(arg), plain(arg).replace(/=.*$/s, "")]);
      const normal = normaliseArguments(argv, grammar).args;
      expect(normal.length).toBeLessThanOrEqual(argv.length);
      for (const arg of normal) expect(written).toContain(plain(arg));
    }),
  );
});
