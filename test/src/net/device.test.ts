import { describe, expect, it } from "vitest";
import type { Device, ParamMemory } from "../../../runtime/device.js";
import { createTsDevice } from "../../../runtime/devices/ts/ts-device.js";
import { compile } from "../../../src/index.js";
import { chooseTarget } from "../../../src/net/choose-target.js";
import { createPrograms } from "../../../src/net/compiled-programs.js";
import { internalsOf } from "../../../src/net/internals.js";
import { holdDevice } from "../../../src/net/open-device.js";
import { createRanges } from "../../../src/net/ranges.js";
import type { CompiledCurrent } from "../../../src/net/row-programs.js";

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.5 } } }`;
const data = Float32Array.of(1, 2, 3, 4, 5, 6);

describe("a device that nets share", () => {
  const counted = (): { readonly device: Device; closed: number } => {
    const state = {
      closed: 0,
      device: { ...createTsDevice("float32"), close: async () => void state.closed++ },
    };
    return state;
  };

  it("is closed once, when the last of them is, in any order", async () => {
    const state = counted();
    const owner = holdDevice(state.device);
    const borrower = owner.share();
    const third = borrower.share();
    expect([owner, borrower, third].map(({ device }) => device)).toEqual(Array(3).fill(state.device));
    await owner.close();
    await owner.close();
    await third.close();
    expect(state.closed).toBe(0);
    await borrower.close();
    await borrower.close();
    expect(state.closed).toBe(1);
  });

  it("is not lent by a net that has been closed", async () => {
    const owner = holdDevice(counted().device);
    const borrower = owner.share();
    await owner.close();
    expect(() => owner.share()).toThrow("has been closed");
    await borrower.share().close();
  });
});

describe("parameters in this process", () => {
  it("start as zeros, and are read and written as copies", async () => {
    const memory = createTsDevice("float64").allocate(3);
    expect(await memory.read()).toEqual(new Float64Array(3));
    const values = Float32Array.of(1, 2, 3);
    await memory.write(values);
    values.fill(7);
    const first = await memory.read();
    expect(first).toEqual(Float64Array.of(1, 2, 3));
    first.fill(8);
    expect(await memory.read()).toEqual(Float64Array.of(1, 2, 3));
  });

  it("outlive the net that allocated them while another shares them", async () => {
    const owner = await compile(NET);
    const borrower = await compile(NET, { share: owner });
    const { ip } = await owner.forward({ data });
    await owner.close();
    expect(await borrower.forward({ data })).toEqual({ ip });
    await expect(compile(NET, { share: owner })).rejects.toThrow("has been closed");
    await borrower.close();
  });
});

describe("the target of a net that shares parameters", () => {
  it("is the other's", async () => {
    expect((await chooseTarget({}, "cuda")).name).toBe("cuda");
    expect(String(await chooseTarget({}, "cuda"))).toBe(
      "cuda (the net whose parameters it shares runs there)",
    );
    expect(String(await chooseTarget({ target: "ts" }, "ts"))).toBe("ts (asked for)");
  });

  it("may be no other", async () => {
    const owner = await compile(NET);
    await expect(compile(NET, { share: owner, target: "cuda" })).rejects.toThrow(
      "A net on target cuda cannot share the parameters of a net on target ts",
    );
    await owner.close();
  });
});

it("a program that cannot take over is closed, and the one before goes on", async () => {
  const closed: string[] = [];
  const statistic = { elements: 1, changes: 0, value: 1 };
  const memory: ParamMemory = {
    ...statistic,
    read: async () => Float32Array.of(statistic.value),
    write: async (values) => {
      statistic.value = values[0];
    },
  };
  const program = (name: string, forward: () => void): CompiledCurrent =>
    ({
      lowered: { rowCounts: [] },
      objective: { backward: false, seeds: [], keep: [] },
      runner: {
        built: {
          table: { inputs: [], places: [], updates: [{ pass: "forward", param: 0 }] },
          executor: { close: async () => void closed.push(name) },
        },
        forward: async () => forward(),
      },
    }) as unknown as CompiledCurrent;
  const old = program("old", () => void statistic.value++);
  const broken = program("new", () => {
    throw new Error("no memory");
  });
  const programs = createPrograms(
    { first: async () => old, make: async () => broken, lower: () => old.lowered },
    [memory],
  );
  await programs.forward();
  await expect(programs.taking(["ip"])).rejects.toThrow("no memory");
  expect(closed).toEqual(["new"]);
  expect(programs.current()).toBe(old);
  expect(statistic.value).toBe(2);
  await programs.close();
  expect(closed).toEqual(["new", "old"]);
});

it("a range that could not be compiled keeps nothing from being closed", async () => {
  let closed = 0;
  const whole = await compile(NET);
  const ranges = createRanges({
    definition: whole.definition,
    whole: () => whole,
    internals: internalsOf(whole)!,
    async compileShared(range) {
      if (range.net.layer.length === 1) throw new Error("no such range");
      return Object.assign(await compile(range), { close: async () => void closed++ });
    },
  });
  await expect(ranges.forward({}, { to: "data" })).rejects.toThrow("no such range");
  await ranges.forward({ data }, { from: "ip" });
  await ranges.close();
  expect(closed).toBe(1);
  await whole.close();
});
