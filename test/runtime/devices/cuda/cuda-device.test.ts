/** The cuda target from a net to its gradients, over a double of the driver that runs kernels by the emulator. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { CortadoError } from "../../../../proto/errors/index.js";
import type { Device } from "../../../../runtime/device.js";
import { type Compiler, createCudaDevice } from "../../../../runtime/devices/cuda/cuda-device.js";
import { requireDevice } from "../../../../runtime/devices/cuda/driver.js";
import { createTsDevice } from "../../../../runtime/devices/ts/ts-device.js";
import { inputName } from "../../../../src/layers/lower-net.js";
import { loadProgram, optionsFor, requestProgram } from "../../../../src/net/load-program.js";
import { lowerDefinition } from "../../../../src/net/lower-definition.js";
import { createParams } from "../../../../src/net/net-params.js";
import { netRequest } from "../../../../src/net/programs.js";
import { parseNet, selectLayers } from "../../../../src/net-text/index.js";
import { checkCopies } from "../../../support/copies.js";
import { emulated } from "../../../support/emulated.js";
import { addonForTests, type DoubleOptions, driverDoubles } from "../../../support/native.js";
import { scratchFolder } from "../../../support/scratch.js";

const loaded = await addonForTests();
const scratch = scratchFolder();

const NET = `
layer { name: "data" type: "Input" top: "data" top: "label"
  input_param { shape { dim: 2 dim: 2 dim: 7 dim: 7 } shape { dim: 2 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
`;

/** The net on a device, its inputs written. */
async function netOn(device: Device) {
  const definition = selectLayers(parseNet(NET, { name: "net" }), { phase: "TRAIN" });
  const lowered = lowerDefinition(definition, { phase: "TRAIN", feedShapes: new Map() });
  const { params, fillParams } = createParams(lowered, {
    device,
    dtype: "float32",
    seed: 5,
    check: () => undefined,
  });
  await fillParams();
  const objective = { backward: true, seeds: [], keep: [] };
  const request = netRequest(lowered, objective, optionsFor(device, "float32", 5));
  const program = await requestProgram(request, lowered, device);
  const runner = await loadProgram(program, { device, params, threads: 1 });
  await runner.write(
    inputName("data"),
    Float32Array.from({ length: 196 }, (_, i) => Math.sin(i * 1.7)),
  );
  await runner.write(inputName("label"), [1, 3]);
  return { ...runner, params };
}

/** What is left of a net's passes. */
async function resultsOf({ forward, backward, read }: Awaited<ReturnType<typeof netOn>>) {
  await forward();
  await backward();
  const loss = await read("value", "loss");
  const gradients = await Promise.all([0, 1, 2, 3].map((param) => read("gradient", param)));
  return [loss, ...gradients].map((values) => [...(values ?? [])]);
}

beforeEach(() => void vi.stubEnv("CUDA_LAUNCH_BLOCKING", undefined));
afterEach(() => void vi.unstubAllEnvs());

describe.skipIf(loaded === undefined)("the cuda device over a driver double", () => {
  let doubles: ReturnType<typeof driverDoubles>;
  beforeAll(() => {
    doubles = driverDoubles(scratch.path);
  });
  const open = async (options: DoubleOptions = {}, compiler: Compiler = emulated) => {
    const { opened, double } = doubles(options, (path) => {
      vi.stubEnv("CORTADO_DRIVER", path);
      return createCudaDevice({ compiler });
    });
    return { device: await opened, double };
  };
  const failure = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    return (error as Error).message;
  };

  test("a net's passes are those of the target ts, and all memory is given back", async () => {
    const want = await resultsOf(await netOn(createTsDevice("float32")));
    const { device, double } = await open();
    expect(device.target.name).toBe("cuda");
    expect(device.description.gpu?.architecture).toBe("sm_90");
    const net = await netOn(device);
    expect(net.built.source).toContain("KERNEL(");
    for (const _ of [0, 1]) {
      const got = await resultsOf(net);
      for (const [i, values] of got.entries()) {
        expect(values).toHaveLength(want[i].length);
        for (const [j, value] of values.entries()) expect(value).toBeCloseTo(want[i][j], 5);
      }
    }
    await net.built.executor.close();
    await net.built.executor.close();
    await device.close();
    await device.close();
    expect(double.report()).toEqual(["released"]);
    await expect(net.params.memories[0].read()).rejects.toThrow("has been closed");
  });

  test("parameters are read as they were written, and two nets share them", async () => {
    const { device, double } = await open();
    const memory = device.allocate(5);
    expect(await memory.read()).toEqual(new Float32Array(5));
    await memory.write([1, 2, 3, 4, 5]);
    expect(await memory.read()).toEqual(Float32Array.of(1, 2, 3, 4, 5));
    await expect(memory.write([1])).rejects.toThrow("1 values for a parameter of 5");
    await device.close();
    expect(double.report()).toEqual(["released"]);
  });

  test("a pass's copies are carried out with that pass alone", async () => {
    const { device, double } = await open();
    await checkCopies(device, 1);
    expect(double.report()).toEqual(["released"]);
  });

  test("times are measured where they are asked for", async () => {
    const { device, double } = await open();
    const { built, forward } = await netOn(device);
    await forward();
    expect(built.executor.times("forward")).toEqual([]);
    await built.executor.profile?.("forward");
    expect(built.executor.times("forward")).toHaveLength(built.program.forward.length);
    await built.executor.close();
    await device.close();
    expect(double.report()).toEqual(["released"]);
  });

  test("more memory than there is: reported before anything is allocated", async () => {
    const { device, double } = await open({ memory: 4000 });
    const message = await failure(netOn(device));
    expect(message).toMatch(
      /the blobs \(the plan's peak\) need .* of memory, and Cortado Double has .* free of .*\n {2}a smaller batch/,
    );
    expect(() => device.checkMemory(1e12, "the parameters")).toThrow(
      "the parameters need 931 GiB of memory, and Cortado Double has",
    );
    await device.close();
    expect(double.report()).toEqual(["released"]);
  });

  test("a kernel that the driver does not load is named with its shapes", async () => {
    const wrong: Compiler = async (kernels) => kernels.map(() => ({ cubin: Buffer.from("no image\0") }));
    const { device, double } = await open({}, wrong);
    expect(await failure(netOn(device))).toMatch(
      /Cortado Double does not load kernel \w+_kernel \(.+\): .*CUDA_ERROR_INVALID_IMAGE/,
    );
    await device.close();
    expect(double.report()).toEqual(["released"]);
  });

  test("a launch that the driver refuses is named with its shapes, layers and pass", async () => {
    const { device, double } = await open({
      fail: Array.from({ length: 50 }, (_, i) => ["cuLaunchKernel", i + 1, 1] as const),
    });
    const { built, forward } = await netOn(device);
    expect(await failure(forward())).toMatch(
      /^kernel \w+_kernel \(.+; layers "conv".*\), in the forward pass on Cortado Double: .*CUDA_ERROR_INVALID_VALUE/,
    );
    await built.executor.close();
    await device.close();
    expect(double.report()).toEqual(["released"]);
  });

  test("a kernel's fault names the pass; with CUDA_LAUNCH_BLOCKING also the kernel and its layers", async () => {
    // A read far outside of every buffer that a kernel is given.
    const faulty: Compiler = async (kernels) => {
      const bad = kernels.map(({ source, ...rest }) => ({
        ...rest,
        source: source.replace(/^(KERNEL\(.*\{)$/m, "$1\n  if (b0[123456789] == 7) return;"),
      }));
      return emulated(bad, "sm_90");
    };
    for (const [blocking, wanted] of [
      [
        undefined,
        /^the forward pass on Cortado Double \(CUDA_LAUNCH_BLOCKING=1 tells which kernel\): .*CUDA_ERROR_ILL/,
      ],
      [
        "1",
        /^kernel \w+_kernel \(.+; layers .*"conv".*\), in the forward pass on Cortado Double: .*CUDA_ERROR_ILL/,
      ],
    ] as const) {
      const { device } = await open({}, faulty);
      const { built, forward } = await netOn(device);
      vi.stubEnv("CUDA_LAUNCH_BLOCKING", blocking);
      expect(await failure(forward())).toMatch(wanted);
      // After a fault everything can still be closed.
      await built.executor.close();
      await device.close();
    }
  });
});

describe.skipIf(loaded === undefined)("the driver", () => {
  test("missing: what is missing, and that the rest goes on", () => {
    vi.stubEnv("CORTADO_DRIVER", "/no/such/libcuda.so.1");
    expect(() => requireDevice()).toThrow(CortadoError);
    expect(() => requireDevice()).toThrow(
      /target "cuda" cannot run here: CORTADO_DRIVER is "\/no\/such\/libcuda\.so\.1", and .*No such file/,
    );
  });
  test("a library that is no driver", () => {
    vi.stubEnv("CORTADO_DRIVER", process.platform === "linux" ? "libm.so.6" : "libm.dylib");
    expect(() => requireDevice()).toThrow("NVIDIA's driver is too old, or is no driver");
  });
  test("without a device, and with fewer than asked for", () => {
    const folder = join(scratch.path, "devices");
    mkdirSync(folder);
    const doubles = driverDoubles(folder);
    const opening = (options: DoubleOptions, ordinal: number): string =>
      doubles(options, (path) => {
        vi.stubEnv("CORTADO_DRIVER", path);
        try {
          requireDevice(ordinal);
          return "";
        } catch (error) {
          return (error as Error).message;
        }
      }).opened;
    expect(opening({ fail: [["cuInit", 1, 100]] }, 0)).toContain(
      "NVIDIA's driver finds no GPU that it may use",
    );
    expect(opening({}, 1)).toContain("there is no GPU 1: the driver has 1, numbered from 0");
    expect(opening({}, 0)).toBe("");
  });
});
