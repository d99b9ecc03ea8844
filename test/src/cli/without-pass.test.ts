/** Passes of a target that are left out on the command line: every command that compiles hands them on. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { userError } from "../../../proto/errors/index.js";
import { cortado, folderWith, TINY_NET, TINY_SOLVER } from "./support.js";

const seen = vi.hoisted(() => ({ passes: [] as unknown[] }));
vi.mock("../../../src/index.js", async (original) => {
  const record = async (_: unknown, options: { readonly passes?: unknown }): Promise<never> => {
    seen.passes.push(options.passes);
    throw userError("that is enough");
  };
  return { ...(await original<object>()), compile: record, createSolver: record, buildNet: record };
});

let made: Awaited<ReturnType<typeof folderWith>>;
beforeEach(async () => {
  seen.passes = [];
  made = await folderWith({ "net.prototxt": TINY_NET, "solver.prototxt": TINY_SOLVER });
});
afterEach(() => made.remove());

const COMMANDS: readonly (readonly string[])[] = [
  ["train", "--solver", "solver.prototxt"],
  ["test", "net.prototxt", "--weights", "w.caffemodel"],
  ["time", "net.prototxt"],
  ["diff", "net.prototxt", "net.prototxt"],
  ["build", "net.prototxt", "--out", "dist"],
];

describe("--without-pass", () => {
  test.each(COMMANDS)("%s", async (...command) => {
    const run = (...flags: string[]) => cortado([...command, ...flags], { cwd: made.folder });
    await run("--without-pass", "winograd", "-without_pass=powers by roots");
    await run("--without-pass", "winograd,powers by roots");
    await run();
    const both = { winograd: false, "powers by roots": false };
    expect(seen.passes).toEqual([both, both, undefined]);
  });

  test.each([...COMMANDS, ["explain", "net.prototxt"]])("%s knows the passes", async (...command) => {
    const { code, stdout, stderr } = await cortado([...command, "--without-pass", "winogard"], {
      cwd: made.folder,
    });
    expect([code, stdout, seen.passes]).toEqual([2, "", []]);
    expect(stderr).toContain("Expected fold parameters, powers by roots or winograd: did you mean winograd?");
  });

  test("explain leaves out the stages", async () => {
    const stages = async (...flags: string[]): Promise<string> =>
      (
        await cortado(["explain", "net.prototxt", "--target", "native", "--timings", ...flags], {
          cwd: made.folder,
        })
      ).stdout;
    expect(await stages()).toMatch(/powers by roots[\s\S]*winograd/);
    expect(await stages("--without-pass", "winograd")).toMatch(/powers by roots(?![\s\S]*winograd)/);
  });
});
