import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Addon, Context } from "../../native/addon.js";
import { addonForTests, buildShared, driverDoubles, type LoadedAddon } from "../support/native.js";
import { scratchFolder } from "../support/scratch.js";
import { HOST_MODULE } from "./host-module.js";
import { NATIVE_MODULE } from "./native-module.js";

const loaded = await addonForTests();
const scratch = scratchFolder();

describe.skipIf(loaded === undefined)("the addon's arguments", () => {
  const { addon } = loaded ?? ({} as LoadedAddon);
  // Called as JavaScript may call it, whatever the types say.
  const loose = addon as unknown as Record<keyof Addon, (...args: readonly unknown[]) => unknown>;
  let context: Context;
  let handles: readonly unknown[];
  beforeAll(() => {
    const { opened: cuda } = driverDoubles(scratch.path)({ memory: 1 << 20 }, (path) => addon.cudaOpen(path));
    context = addon.contextOpen(cuda, 0);
    const module = addon.hostOpen(buildShared(scratch.path, "module", HOST_MODULE));
    const data = new Float32Array(4);
    const plan = addon.hostPlan(module, [{ kernel: 1, blocks: 1, threads: 1, args: [data, data] }]);
    const native = addon.nativeOpen(buildShared(scratch.path, "native", NATIVE_MODULE));
    const launch = { module: native, kernel: 1, from: 0, to: 4, pieces: 1, args: [data, data] };
    const passes = [plan, addon.nativePlan([launch], 0, 2)];
    handles = [cuda, context, module, native, ...passes, addon.graphBuild(context, [])];
  });

  test("of the wrong kind are a TypeError that names them", () => {
    expect(() => loose.cudaOpen()).toThrow(new TypeError("path must be a string, not undefined"));
    expect(() => loose.contextOpen({}, 0)).toThrow(
      new TypeError("cuda must be a CUDA handle of this thread, not an object"),
    );
    expect(() => loose.allocate(handles[0], 4)).toThrow(
      new TypeError("context must be a CUDA context of this thread, not another handle"),
    );
    for (const bytes of [-1, 0.5, Number.NaN, 2 ** 60])
      expect(() => loose.allocate(context, bytes)).toThrow(TypeError);
    expect(() => loose.allocate(context, -1)).toThrow(
      new TypeError("bytes must be a whole number from 0 to 9007199254740991, not -1"),
    );
    expect(() => loose.copyIn(context, -1n, new Uint8Array())).toThrow(/to must be an address/);
    expect(() => loose.copyIn(context, 0n, new Float32Array(4))).toThrow(/data must be a Uint8Array/);
    expect(() => loose.graphBuild(context, [{ from: 0n, to: 0n, bytes: 0 }, 7])).toThrow(
      new TypeError("items[1] must be an object, not 7"),
    );
    expect(() => loose.hostPlan(handles[2], [{ kernel: 0, blocks: 0, threads: 1, args: [] }])).toThrow(
      new TypeError("launches[0].blocks must be a whole number from 1 to 2147483647, not 0"),
    );
    const args = [new Float32Array(1), new Float64Array(1)];
    expect(() => loose.hostPlan(handles[2], [{ kernel: 0, blocks: 1, threads: 1, args }])).toThrow(
      "launches[0].args[1] must be a Float32Array or an Int32Array, not an object",
    );
  });

  test("that throw when they are read throw through, and may close what is in use", () => {
    const item = {
      get from(): bigint {
        throw new RangeError("mine");
      },
    };
    expect(() => loose.graphBuild(context, [item])).toThrow(new RangeError("mine"));
    const other = addon.contextOpen(handles[0] as never, 0);
    const closing = {
      get from(): bigint {
        addon.contextClose(other);
        return 0n;
      },
      to: 0n,
      bytes: 0,
    };
    expect(() => loose.graphBuild(other, [closing])).toThrow("the CUDA context is closed");
  });

  test("of any kind at all never crash", async () => {
    // What frees is left out, so that the handles stay good; nothing here gets a path of a library or a valid plan.
    const names = (Object.keys(addon) as (keyof Addon)[]).filter((name) => !name.endsWith("Close"));
    const typed = fc.constantFrom(
      new Uint8Array(3),
      new Float32Array(2),
      new Float32Array(new SharedArrayBuffer(8)),
      new Int32Array(0),
      BigUint64Array.of(1n, 2n),
      new DataView(new ArrayBuffer(4)),
    );
    const scalar = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.bigInt(),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
    );
    const record = fc.record(
      {
        kernel: scalar,
        blocks: scalar,
        threads: scalar,
        from: scalar,
        to: scalar,
        bytes: scalar,
        args: typed,
      },
      { requiredKeys: [] },
    );
    const anything = fc.oneof(
      scalar,
      typed,
      record,
      fc.array(fc.oneof(record, scalar, fc.array(typed))),
      fc.func(scalar),
    );
    const value = fc.oneof(
      anything,
      fc.nat(9).map((index) => ({ index })),
    );
    const property = fc.asyncProperty(
      fc.constantFrom(...names),
      fc.array(value, { maxLength: 5 }),
      async (name, given) => {
        const args = given.map((one) =>
          one !== null && typeof one === "object" && "index" in one ? handles[Number(one.index)] : one,
        );
        try {
          await loose[name](...args);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      },
    );
    await fc.assert(property, { numRuns: 1500 });
  });
});
