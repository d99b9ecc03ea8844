import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { InternalError } from "../../../../proto/errors/index.js";
import { buildEmulatorModule } from "../../../../runtime/devices/emulator/emulator-module.js";
import { emulatorSource } from "../../../../runtime/devices/emulator/emulator-source.js";
import { scratchFolder } from "../../../support/scratch.js";
import { axpy, kernel, rowSums } from "./kernels.js";
import { canEmulate, emulator, ownCache } from "./launch.js";

ownCache();
const scratch = scratchFolder();
const given = {
  CORTADO_CXX: process.env["CORTADO_CXX"],
  CXX: process.env["CXX"],
  PATH: process.env["PATH"],
};

afterEach(() => {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

/** The error of a promise that must reject. */
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: Error) => error,
  );

describe("the emulator: source", () => {
  it("keeps each kernel's own lines, and gives stacks to those that wait", () => {
    const source = emulatorSource([axpy(10), rowSums(10)]);
    expect(source).toContain('namespace k1 {\n#line 1 "rowSums"\n#include "cortado.h"\nKERNEL(256) rowSums(');
    expect(source).toContain('launch<k0::axpy, false>("axpy", k0::bound,');
    expect(source).toContain('launch<k1::rowSums, true>("rowSums", k1::bound,');
    expect(emulatorSource([axpy(10), rowSums(10)])).toBe(source);
  });

  it("takes no symbol that is not a name", () => {
    expect(() => emulatorSource([kernel('f"); system("x', "")])).toThrow(InternalError);
  });
});

describe.skipIf(!canEmulate)("the emulator: modules", () => {
  it("keeps what it built by content, header and options", async () => {
    const path = await buildEmulatorModule([axpy(10)]);
    expect(await buildEmulatorModule([axpy(10)])).toBe(path);
    const others = await Promise.all([
      buildEmulatorModule([axpy(11)]),
      buildEmulatorModule([axpy(10)], { checked: false }),
      buildEmulatorModule([axpy(10)], { favour: "run" }),
    ]);
    expect(new Set([path, ...others]).size).toBe(4);
  });

  it("builds again what was changed on disk", async () => {
    const path = await buildEmulatorModule([rowSums(10)]);
    const bytes = readFileSync(path);
    const changed = Uint8Array.from(bytes);
    changed[bytes.length >> 1] ^= 1;
    writeFileSync(path, changed);
    expect(await buildEmulatorModule([rowSums(10)])).toBe(path);
    expect(readFileSync(path).equals(changed)).toBe(false);
  });

  it("builds several modules at once", async () => {
    const sizes = [1, 2, 3, 4];
    const runs = await Promise.all(sizes.map((size) => emulator([axpy(size)])));
    const out = await Promise.all(
      runs.map(async (run) => {
        const args = [new Float32Array(4).fill(1), new Float32Array(4), new Float32Array(4)];
        expect(await run({ symbol: "axpy", blocks: 1, threads: 32, args })).toBe("ok");
        return args[2];
      }),
    );
    expect(out.map((values) => values.reduce((sum, x) => sum + x, 0))).toEqual([2, 4, 6, 8]);
  });

  it("names the kernel and the line that do not compile", async () => {
    const wrong = kernel("f", "KERNEL(1) f(Global<float> b0) {\n  b0[0] = unheardOf;\n}");
    const error = await failure(buildEmulatorModule([axpy(10), wrong]));
    expect(error).toBeInstanceOf(InternalError);
    expect(error.message).toMatch(/do not compile with [\s\S]*f:3:\d+: error: [\s\S]*unheardOf/);
  });

  it("refuses a kernel whose private arrays would not fit the stack of a thread", async () => {
    const big = kernel(
      "f",
      "KERNEL(1) f(Global<float> b0) {\n  float r0[60000];\n  for (int i = 0; i < 60000; i++) r0[i] = b0[0] + i;\n  b0[0] = r0[static_cast<int>(b0[0])];\n}",
    );
    expect((await failure(buildEmulatorModule([big]))).message).toContain("frame size");
  });

  it("says what is wrong with the compiler that CXX names", async () => {
    process.env["CXX"] = "/no/such/compiler -O3";
    const { message } = await failure(buildEmulatorModule([axpy(12)]));
    expect(message).toContain('the C++ compiler that CXX names, "/no/such/compiler -O3", does not run');
    expect(message).toContain("apt-get install g++");
  });

  it("takes the one that CORTADO_CXX names before that of CXX", async () => {
    Object.assign(process.env, { CORTADO_CXX: "/no/such/compiler", CXX: "g++" });
    const { message } = await failure(buildEmulatorModule([axpy(12)]));
    expect(message).toContain('the C++ compiler that CORTADO_CXX names, "/no/such/compiler", does not run');
  });

  it("says what is missing where there is no compiler", async () => {
    delete process.env["CXX"];
    const empty = `${scratch.path}/empty`;
    mkdirSync(empty);
    process.env["PATH"] = empty;
    const { message } = await failure(buildEmulatorModule([axpy(13)]));
    expect(message).toContain(
      "the emulator compiles C++, and there is no C++ compiler: neither g++, c++, clang++ nor zig is on the PATH",
    );
  });
});
