/** Processes that compile the same kernels into one cache: at once, and after one that was killed. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { addonForTests } from "../../../support/native.js";
import { freshProgram, type StartOptions, startProgram } from "../../../support/program.js";
import { scratchFolder } from "../../../support/scratch.js";

const loaded = await addonForTests();
const scratch = scratchFolder();
beforeAll(freshProgram);

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 9 dim: 9 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 9 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "relu" }`;

/** Times the net in a process of its own, with a cache and a folder for temporary files. */
async function time(name: string, { cxx = "", ...options }: StartOptions & { readonly cxx?: string } = {}) {
  const net = scratch.file("net.prototxt", NET);
  const [cache, temporary] = ["cache", "temporary"].map((kind) => join(scratch.path, `${name}-${kind}`));
  mkdirSync(temporary, { recursive: true });
  const before = `export CORTADO_CACHE='${cache}' TMPDIR='${temporary}' ${cxx && `CORTADO_CXX='${cxx}'`}`;
  const flags = ["--phase", "TEST", "--iterations", "1", "--target", "native", "--json"];
  const ended = await startProgram(["time", net, ...flags], { ...options, before });
  return { ...ended, cache, temporary };
}

describe.skipIf(loaded === undefined)("a cache of kernels", () => {
  it("serves processes that compile the same at once", async () => {
    const ends = await Promise.all([time("shared"), time("shared"), time("shared")]);
    for (const { code, stderr, stdout } of ends) {
      expect([code, stderr]).toEqual([0, ""]);
      expect(JSON.parse(stdout).target).toBe("native");
    }
    const [{ cache, temporary }] = ends;
    const entries = readdirSync(cache);
    // Whole entries, and nothing of any that were being written.
    expect(entries.every((entry) => /^[0-9a-f]{64}\.(so|json)$/.test(entry))).toBe(true);
    expect(readdirSync(temporary)).toEqual([]);
    const times = entries.map((entry) => statSync(join(cache, entry)).mtimeMs);
    const { code } = await time("shared");
    expect(code).toBe(0);
    expect(entries.map((entry) => statSync(join(cache, entry)).mtimeMs)).toEqual(times);
  });

  it("has nothing of a process that was killed while it compiled", async () => {
    const mark = join(scratch.path, "compiling");
    const slow = scratch.file(
      "slow",
      `#!/bin/sh\n[ "$1" = --version ] && echo "slow 1.0" && exit 0\nfor last; do :; done\nhead -c 5000 > "$last"\necho $$ > '${mark}.new'\nmv '${mark}.new' '${mark}'\nexec sleep 100\n`,
    );
    chmodSync(slow, 0o755);
    const { signal, cache, temporary } = await time("killed", {
      cxx: slow,
      onStart(child) {
        const look = setInterval(() => {
          if (!existsSync(mark)) return;
          clearInterval(look);
          child.kill("SIGKILL");
          process.kill(Number(readFileSync(mark, "utf8")), "SIGKILL");
        }, 20);
      },
    });
    expect(signal).toBe("SIGKILL");
    expect(readdirSync(cache)).toEqual([]);
    // Half of a library lies where the compiler was told to write.
    expect(readdirSync(temporary)).not.toEqual([]);
    const { code, stderr } = await time("killed");
    expect([code, stderr]).toEqual([0, ""]);
    expect(readdirSync(cache).length).toBeGreaterThan(0);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
