/** The compiled program as a process of its own: what only a real one can show. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { folderWith, TINY_NET, TINY_SOLVER } from "./support.js";

const MAIN = fileURLToPath(new URL("../../../dist/src/cli/main.js", import.meta.url));

let remove: (() => Promise<void>) | undefined;
afterEach(async () => {
  await remove?.();
  remove = undefined;
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(
  argv: readonly string[],
  cwd: string,
  onText: (text: string, child: ReturnType<typeof spawn>) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...argv], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onText(stdout, child);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const ENDLESS = TINY_SOLVER.replace("max_iter: 40", "max_iter: 100000000").replace(
  "display: 20",
  "display: 1",
);

// `npm ci` builds it; a working tree may be without.
describe.skipIf(!existsSync(MAIN) && !process.env["CI"])("the compiled program", () => {
  test("trains, and ends by itself", async () => {
    const made = await folderWith({ "net.prototxt": TINY_NET, "solver.prototxt": TINY_SOLVER });
    remove = made.remove;
    const { code, stdout, stderr } = await start(
      ["train", "-solver=solver.prototxt", "-threads=2"],
      made.folder,
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("Trained tiny: 40 iterations");
  });

  test("Ctrl-C snapshots and exits with 130", async () => {
    const made = await folderWith({ "net.prototxt": TINY_NET, "solver.prototxt": ENDLESS });
    remove = made.remove;
    let pressed = false;
    const { code, stdout, stderr } = await start(["train", "solver.prototxt"], made.folder, (text, child) => {
      if (pressed || !text.includes("Iteration 3 ")) return;
      pressed = true;
      child.kill("SIGINT");
    });
    expect(code).toBe(130);
    expect(stderr).toContain("Interrupted");
    const iteration = /^Stopped tiny: ([\d,]+) iterations/m.exec(stdout)?.[1]?.replaceAll(",", "");
    expect(await readdir(made.folder)).toContain(`solver_iter_${iteration}.caffemodel`);
  });

  test("a reader that goes away ends it, without a word", async () => {
    const made = await folderWith({ "net.prototxt": TINY_NET, "solver.prototxt": ENDLESS });
    remove = made.remove;
    const { code, stderr } = await start(["train", "solver.prototxt", "--json"], made.folder, (_, child) =>
      child.stdout?.destroy(),
    );
    expect([code, stderr]).toEqual([141, ""]);
  });

  test("mistakes exit with 2", async () => {
    const { code, stdout, stderr } = await start(["train", "--sovler", "x"], process.cwd());
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("error: unknown option '--sovler'\n  did you mean --solver?\n");
  });
});
