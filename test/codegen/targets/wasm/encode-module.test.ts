/** Modules as bytes and as text: numbers at the edges of their encodings, blocks, many functions and variables. */
import { describe, expect, it } from "vitest";
import { encodeModule, type WasmModule } from "../../../../codegen/targets/wasm/encode-module.js";
import type { WasmType } from "../../../../codegen/targets/wasm/instructions.js";
import { printModule } from "../../../../codegen/targets/wasm/print-module.js";
import { withSharedMemory } from "../../../../codegen/targets/wasm/shared-memory.js";
import {
  atLane,
  atMemory,
  either,
  f32,
  get,
  type Instruction,
  i32,
  integers,
  plain,
  set,
  type WasmFunction,
} from "../../../../codegen/targets/wasm/wasm-code.js";
import { engine, moduleMemory } from "../../../support/wasm-engine.js";

const memory = moduleMemory();
const fun = (
  name: string,
  [takes, gives, locals]: readonly [readonly WasmType[], WasmType | undefined, readonly WasmType[]],
  ...body: readonly Instruction[]
): WasmFunction => ({ name, takes, ...(gives && { gives }), locals, body });
const moduleOf = (...functions: readonly WasmFunction[]): WasmModule => ({ functions, shared: true });
const open = (...functions: readonly WasmFunction[]) => memory.open(moduleOf(...functions));
const giving = (name: string, type: WasmType, code: Instruction) => fun(name, [[], type, []], code);

/** Numbers on both sides of where a byte more is needed. */
const EDGES = [0, 7, 14, 21, 28, 31].flatMap((bits) => {
  const power = 2 ** Math.max(0, bits - 1);
  return [power - 1, power, power + 1, -power, -power - 1, 2 * power - 1, 2 * power];
});

describe("numbers", () => {
  it("of 32 bits are what they were", async () => {
    const all = [...new Set(EDGES.map((x) => x | 0)), 2 ** 31 - 1, -(2 ** 31)];
    const functions = await open(...all.map((value, i) => giving(`f${i}`, "i32", i32(value))));
    expect(all.map((_, i) => functions[`f${i}`]())).toEqual(all);
  });

  it("of reals are what they were", async () => {
    const all = [
      0,
      -0,
      1,
      -1.5,
      Infinity,
      -Infinity,
      NaN,
      2 ** -149,
      3.4028234663852886e38,
      Math.fround(0.1),
    ];
    const functions = await open(...all.map((value, i) => giving(`f${i}`, "f32", f32(value))));
    expect(all.map((_, i) => functions[`f${i}`]())).toEqual(all);
  });

  it("of vectors lie in their lanes", async () => {
    const lanes = [1, -1, 2 ** 31 - 1, -(2 ** 31)];
    const functions = await open(
      ...[0, 1, 2, 3].map((lane) =>
        giving(`f${lane}`, "i32", atLane("i32x4.extract_lane", lane, integers(lanes))),
      ),
    );
    expect([0, 1, 2, 3].map((lane) => functions[`f${lane}`]())).toEqual(lanes);
  });

  it("of bytes behind an address are what they were", async () => {
    const offsets = EDGES.filter((x) => x >= 0 && x % 4 === 0 && x <= 2 ** 21);
    const place = memory.allocate(2 ** 22);
    const words = new Int32Array(place.buffer, place.byteOffset, 2 ** 20);
    for (const offset of offsets) words[offset / 4] = offset + 1;
    const functions = await open(
      ...offsets.map((offset) =>
        fun(`f${offset}`, [["i32"], "i32", []], atMemory("i32.load", { offset }, get(0, "i32"))),
      ),
    );
    expect(offsets.length).toBeGreaterThan(5);
    expect(offsets.map((offset) => functions[`f${offset}`](place.byteOffset))).toEqual(
      offsets.map((x) => x + 1),
    );
    // What no memory has is taken, and ends the call.
    const far = await open(
      fun("f", [["i32"], "i32", []], atMemory("i32.load", { offset: 2 ** 32 - 4 }, get(0, "i32"))),
    );
    expect(() => far["f"](8)).toThrow(/out of bounds/);
  });

  it("of functions, variables and bytes may be large", async () => {
    const count = 200;
    const variables = Array.from(
      { length: 300 },
      (_, i): WasmType => (["i32", "v128", "f32", "f32"] as const)[i % 4],
    );
    const last = variables.length;
    const sum = Array.from({ length: 400 }).reduce<Instruction>(
      (all) => plain("i32.add", all, get(0, "i32")),
      i32(0),
    );
    const numbered = Array.from({ length: count }, (_, i) => giving(`f${i}`, "i32", i32(i)));
    const functions = await open(
      ...numbered,
      fun("calls", [[], "i32", []], { kind: "call", name: "f199", gives: "i32", of: [] }),
      fun(
        "keeps",
        [["i32"], "i32", [...variables, "i32"]],
        set(last + 1, get(0, "i32")),
        get(last + 1, "i32"),
      ),
      fun("adds", [["i32"], "i32", []], sum),
    );
    expect(functions["calls"]()).toBe(199);
    expect(functions["keeps"](77)).toBe(77);
    expect(functions["adds"](3)).toBe(1200);
    const calls = fun("f", [[], undefined, []], { kind: "call", name: "nobody", of: [] });
    expect(() => encodeModule(moduleOf(calls))).toThrow(/nobody/);
  });
});

const counting: Instruction = {
  kind: "loop",
  body: [set(1, plain("i32.add", get(1, "i32"), i32(2)))],
  again: plain("i32.lt_s", get(1, "i32"), get(0, "i32")),
};
const BLOCKS: readonly WasmFunction[] = [
  fun("turns", [["i32"], "i32", ["i32"]], counting, get(1, "i32")),
  fun(
    "ends",
    [["i32"], "i32", ["i32"]],
    {
      kind: "endless",
      before: [set(1, plain("i32.add", get(1, "i32"), i32(3)))],
      end: plain("i32.ge_s", get(1, "i32"), get(0, "i32")),
      body: [set(1, plain("i32.add", get(1, "i32"), i32(10)))],
    },
    get(1, "i32"),
  ),
  fun(
    "chooses",
    [["i32"], "f32", []],
    either(get(0, "i32"), [f32(1.5)], [either(plain("i32.eqz", get(0, "i32")), [f32(-0)], [f32(NaN)])]),
  ),
  fun(
    "happens",
    [["i32"], "i32", ["i32"]],
    { kind: "if", of: [get(0, "i32")], whenTrue: [set(1, i32(5)), counting], otherwise: [] },
    get(1, "i32"),
  ),
  fun("selects", [["i32"], "i32", []], {
    kind: "select",
    type: "i32",
    of: [i32(7), { kind: "select", type: "i32", of: [i32(8), i32(9), i32(0)] }, get(0, "i32")],
  }),
  fun("begins", [[], "i32", []], { kind: "scratch", type: "i32" }),
];

describe("blocks", () => {
  it("are carried out as they stand", async () => {
    const scratch = memory.allocate(64);
    const { turns, ends, chooses, happens, selects, begins } = await memory.open(
      moduleOf(...BLOCKS),
      scratch,
    );
    expect([turns(5), turns(0)]).toEqual([6, 2]);
    expect([ends(3), ends(4), ends(17)]).toEqual([3, 16, 29]);
    expect([chooses(1), chooses(0)]).toEqual([1.5, -0]);
    expect([happens(0), happens(1), happens(9)]).toEqual([0, 7, 9]);
    expect([selects(1), selects(0)]).toEqual([7, 9]);
    expect(begins()).toBe(scratch.byteOffset);
  });

  it("the same module gives the same bytes, and one that threads do not share others", () => {
    const module = moduleOf(...BLOCKS);
    expect(encodeModule(module)).toEqual(encodeModule(structuredClone(module)));
    const alone = { ...module, shared: false };
    expect(encodeModule(alone)).not.toEqual(encodeModule(module));
    for (const one of [module, alone]) expect(engine.validate(encodeModule(one))).toBe(true);
    expect(withSharedMemory(encodeModule(alone))).toEqual(encodeModule(module));
    expect(() => withSharedMemory(encodeModule(module))).toThrow("not one thread's own");
    expect(printModule(module)).toContain(" shared)");
    expect(printModule(alone)).not.toContain("shared");
  });
});

describe("text", () => {
  it("closes what it opens", () => {
    const text = printModule(moduleOf(...BLOCKS));
    let depth = 0;
    for (const line of text.trimEnd().split("\n")) {
      for (const sign of line) depth += sign === "(" ? 1 : sign === ")" ? -1 : 0;
      expect(depth, line).toBeGreaterThanOrEqual(0);
    }
    expect(depth).toBe(0);
  });

  it("names each function, its types, and numbers that have no digits", () => {
    const noted = { ...BLOCKS[0], note: "a note\n(of two lines" };
    const text = printModule(moduleOf(noted, ...BLOCKS.slice(1)));
    expect(text).toContain(";; a note (of two lines\n");
    for (const { name } of BLOCKS) expect(text).toContain(`(func $${name} (export "${name}")`);
    expect(text).toContain('(func $chooses (export "chooses") (param $0 i32) (result f32)');
    expect(text).toContain("(f32.const -0)");
    expect(text).toContain("(f32.const nan)");
    expect(printModule(moduleOf(giving("f", "f32", f32(-Infinity))))).toContain("(f32.const -inf)");
    expect(printModule(moduleOf(giving("f", "v128", integers([1, -1, 0, 2]))))).toContain(
      "(v128.const i32x4 0x1 0xffffffff 0x0 0x2)",
    );
  });
});
