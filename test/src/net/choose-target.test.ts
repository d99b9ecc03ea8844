/** What `auto` takes, and what stands in for an option that is not given. */
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { compile, createSolver } from "../../../src/index.js";
import { chooseTarget } from "../../../src/net/choose-target.js";
import { inputLayer } from "../../support/input-layer.js";
import { addonForTests, driverDoubles } from "../../support/native.js";
import { scratchFolder } from "../../support/scratch.js";
import { cortado } from "../cli/support.js";

const loaded = await addonForTests();
const scratch = scratchFolder();
const POWER = 'layer { name: "power" type: "Power" bottom: "data" top: "power" power_param { scale: 2 } }';

beforeEach(() => {
  vi.stubEnv("CORTADO_TARGET", undefined);
  vi.stubEnv("CORTADO_DRIVER", "/no/such/libcuda.so.1");
  vi.stubEnv("CORTADO_CACHE", join(scratch.path, "cache"));
});
afterEach(() => void vi.unstubAllEnvs());

const NO_GPU = "not cuda: .*CORTADO_DRIVER is .*No such file.*";

describe.skipIf(loaded === undefined)("auto", () => {
  it("takes the processor's vectors where there is no GPU, and says why", async () => {
    const target = await chooseTarget({});
    expect(target.name).toBe("native");
    expect(target.why).toMatch(new RegExp(`^compiled for this processor \\(\\w+\\); ${NO_GPU}$`));
    expect(String(target)).toBe(`native (${target.why})`);
  });

  it("takes them for float64 too, which a GPU's kernels do not compute in", async () => {
    const { name, why } = await chooseTarget({ dtype: "float64" });
    expect(name).toBe("native");
    expect(why).toMatch(/; not cuda: it computes in float32$/);
  });

  it("compiles nothing for a small piece of work, unless it lies compiled", async () => {
    const net = `${inputLayer("data", 2, 5)} ${POWER}`;
    const first = await compile(net);
    expect(String(first.target)).toMatch(
      /^wasm \(WebAssembly .*; not native: its kernels would take \d\.\d s to compile, more than they save in 100 passes of \d\S* · 10⁹ operations\)$/,
    );
    const compiled = await compile(net, { target: "native" });
    const again = await compile(net);
    expect(again.target.name).toBe("native");
    expect((await compile(net, { share: first })).target.name).toBe("wasm");
    await Promise.all([first.close(), compiled.close(), again.close()]);
  });

  it("compiles for a long training", async () => {
    const net = `${inputLayer("data", 2, 5)} ${inputLayer("wanted", 2, 3)}
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 3 } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "wanted" top: "loss" }`;
    const solver = (max_iter: number) =>
      createSolver(
        `net_param { ${net} } base_lr: 0.1 lr_policy: "fixed" max_iter: ${max_iter} snapshot_after_train: false`,
      );
    const [short, long] = [await solver(10), await solver(2 ** 31 - 1)];
    expect([short.net.target.name, long.net.target.name]).toEqual(["wasm", "native"]);
    await Promise.all([short.close(), long.close()]);
  });

  it("takes WebAssembly where products and sums are to be rounded apart", async () => {
    const { name, why } = await chooseTarget({ fma: "never" });
    expect(name).toBe("wasm");
    expect(why).toMatch(/; not native: it takes multiply-add where the machine has it$/);
    await expect(compile(inputLayer("data", 1), { target: "native", fma: "never" })).rejects.toThrow(
      /Target native takes multiply-add where the machine has it\n.*use target "ts" or "wasm" for fma "never"/,
    );
  });

  it("takes a GPU before them", async () => {
    const { opened } = driverDoubles(scratch.path)({}, (path) => {
      vi.stubEnv("CORTADO_DRIVER", path);
      return chooseTarget({});
    });
    const { name, why } = await opened;
    expect(name === "cuda" || /not cuda: .*NVRTC/.test(why)).toBe(true);
  });

  it("goes on without a compiler", async () => {
    vi.stubEnv("CORTADO_CXX", "/no/such/g++");
    const { name, why } = await chooseTarget({});
    expect(name).toBe("wasm");
    expect(why).toMatch(
      new RegExp(
        `^WebAssembly in vectors \\(\\w+\\); ${NO_GPU}; ` +
          'not native: the C\\+\\+ compiler that CORTADO_CXX names, "/no/such/g\\+\\+", does not run$',
      ),
    );
  });

  it("takes loops for float64 then, which WebAssembly's kernels do not compute in", async () => {
    vi.stubEnv("CORTADO_CXX", "/no/such/g++");
    const { name, why } = await chooseTarget({ dtype: "float64" });
    expect(name).toBe("ts");
    expect(why).toMatch(/^it runs anywhere; .*; not wasm: it computes in float32$/);
  });

  it("goes on without a folder that kernels may be loaded from", async () => {
    const open = join(scratch.path, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    vi.stubEnv("CORTADO_CACHE", open);
    const { name, why } = await chooseTarget({});
    expect(name).toBe("wasm");
    // Which then keeps nothing.
    const net = await compile(inputLayer("data", 1));
    expect(net.target.name).toBe("wasm");
    await net.close();
    expect(readdirSync(open)).toEqual([]);
    expect(why).toMatch(/; not native: the cache folder \S+ can be written by others \(mode 0777\)/);
  });
});

describe("CORTADO_TARGET", () => {
  it("stands in for a target that is not given, and for no other", async () => {
    vi.stubEnv("CORTADO_TARGET", "ts");
    expect(String(await chooseTarget({}))).toBe("ts (CORTADO_TARGET asks for it)");
    expect(String(await chooseTarget({ target: "cuda" }))).toBe("cuda (asked for)");
    expect((await chooseTarget({ target: "auto" })).why).toMatch(/compiled for|runs anywhere|fastest/);
  });

  it("does not part a net from the one whose parameters it shares", async () => {
    vi.stubEnv("CORTADO_TARGET", "ts");
    expect((await chooseTarget({}, "cuda")).name).toBe("cuda");
  });

  it.each(["", " "])("%j is none", async (value) => {
    vi.stubEnv("CORTADO_TARGET", value);
    expect((await chooseTarget({})).why).not.toContain("CORTADO_TARGET");
  });

  it("that names no target is the user's mistake", async () => {
    vi.stubEnv("CORTADO_TARGET", "natve");
    const error: unknown = await compile(inputLayer("data", 1)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CortadoError);
    expect((error as CortadoError).diagnostics[0]).toMatchObject({
      message: 'CORTADO_TARGET is "natve"; it may be "auto", "ts", "wasm", "native" or "cuda"',
      hint: 'did you mean "native"?',
    });
  });

  it("is the default of the command line, which may say another", async () => {
    const net = scratch.file("net.prototxt", `${inputLayer("data", 1, 2)}${POWER}`);
    vi.stubEnv("CORTADO_TARGET", "natve");
    const time = (...flags: readonly string[]) =>
      cortado(["time", net, "--iterations", "1", "--phase", "TEST", "--json", ...flags]);
    expect(await time()).toMatchObject({ code: 2, stderr: expect.stringContaining("CORTADO_TARGET is") });
    const asked = await time("--target", "ts");
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    vi.stubEnv("CORTADO_TARGET", "ts");
    const usual = await time();
    expect([asked, usual].map(({ stdout }) => JSON.parse(stdout).target)).toEqual(["ts", "ts"]);
  });
});
