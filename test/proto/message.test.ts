import { describe, expect, it } from "vitest";
import { createMessage, defaultsOf, floatValue, has, typeOf, withFields } from "../../proto/index.js";

describe("messages", () => {
  it("read as their defaults where nothing is given", () => {
    const pool = createMessage("PoolingParameter", { kernel_size: 3 });
    expect([pool.pool, pool.stride, pool.kernel_size, pool.kernel_h]).toEqual(["MAX", 1, 3, 0]);
    expect([has(pool, "kernel_size"), has(pool, "stride")]).toEqual([true, false]);
    expect(defaultsOf("LayerParameter").pooling_param).toBeUndefined();
    expect(defaultsOf("LayerParameter").bottom).toEqual([]);
    expect(defaultsOf("HingeLossParameter").norm).toBe("L1");
    expect(defaultsOf("SolverParameter").momentum2).toBe(0.999);
    expect(defaultsOf("BlobProto").data).toBeInstanceOf(Float32Array);
  });

  it("keep their type and their given fields when changed", () => {
    const layer = createMessage("LayerParameter", { name: "a", type: "ReLU", top: ["x"] });
    const changed = withFields(layer, { name: "b", type: undefined });
    expect(typeOf(changed)).toBe("LayerParameter");
    expect(changed).toEqual({ name: "b", top: ["x"] });
    expect(layer.name).toBe("a");
  });

  it("are frozen, and refuse fields that the type has not", () => {
    const layer = createMessage("LayerParameter", { top: ["x"] });
    expect(() => Object.assign(layer, { name: "y" })).toThrow(TypeError);
    expect(() => (layer.top as string[]).push("y")).toThrow(TypeError);
    expect(() => createMessage("LayerParameter", JSON.parse('{"__proto__": 1}'))).toThrow(
      /no field "__proto__"/,
    );
  });

  it("hold a float as the shortest decimal of its float32", () => {
    expect(
      [0.1, Math.fround(0.1), 1e-8, 0.12345678901, 16777217, 1e50, -1e50, Number.NaN].map(floatValue),
    ).toEqual([0.1, 0.1, 1e-8, 0.12345679, 16777216, Infinity, -Infinity, Number.NaN]);
  });
});
