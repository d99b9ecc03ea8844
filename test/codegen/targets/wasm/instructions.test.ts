/** Every instruction of the table as the engine takes it: its types, and what it does. */
import { expect, it } from "vitest";
import { encodeModule, type WasmModule } from "../../../../codegen/targets/wasm/encode-module.js";
import { OPS, type Op, signatureOf, type WasmType } from "../../../../codegen/targets/wasm/instructions.js";
import {
  atLane,
  atMemory,
  f32,
  get,
  type Instruction,
  i32,
  moved,
  plain,
  shuffle,
  typeOf,
  type WasmFunction,
} from "../../../../codegen/targets/wasm/wasm-code.js";
import { architectures, engine, moduleMemory } from "../../../support/wasm-engine.js";

const RELAXED = "f32x4.relaxed_madd";
const isMemory = (op: Op): boolean => /load|store/.test(op);
const isLane = (op: Op): boolean => /(extract|replace)_lane$/.test(op);

/** The instruction over operands. Those of memory and of lanes are the third of their kind: one off would be another. */
function instruction(op: Op, of: readonly Instruction[]): Instruction {
  if (op === "i8x16.shuffle") return shuffle([6, 1, 0, 4], of[0], of[1]);
  if (isLane(op)) return atLane(op, 2, ...of);
  if (!isMemory(op)) return plain(op, ...of);
  return atMemory(
    op,
    { offset: 20, ...(/32_lane/.test(op) ? { lane: 2 } : /64_lane/.test(op) ? { lane: 1 } : {}) },
    ...of,
  );
}

/** A function that takes the instruction's operands and gives what it gives. */
const direct = (op: Op): WasmModule => {
  const { takes, gives } = signatureOf(op);
  const body = [
    instruction(
      op,
      takes.map((type, i) => get(i, type)),
    ),
  ];
  return { functions: [{ name: "f", takes, gives, locals: [], body }], shared: true };
};

it("all of them are taken with their types, the relaxed one where there is it", () => {
  expect(OPS.length).toBeGreaterThan(70);
  const taken = OPS.filter((op) => engine.validate(encodeModule(direct(op))));
  expect(OPS.filter((op) => !taken.includes(op))).toEqual(architectures.includes("relaxed") ? [] : [RELAXED]);
});

it("none of them is taken with other types", () => {
  for (const op of OPS) {
    const { functions, shared } = direct(op);
    const [one] = functions;
    const other = (type?: string) => (type === "i32" ? "f32" : "i32");
    for (const i of one.takes.keys()) {
      const takes = one.takes.map((type, j) => (i === j ? other(type) : type));
      const [code] = one.body;
      // As if the operand were of the type that the instruction takes.
      expect(
        engine.validate(encodeModule({ functions: [{ ...one, takes, body: [code] }], shared })),
        op,
      ).toBe(false);
    }
    expect(
      engine.validate(encodeModule({ functions: [{ ...one, gives: other(one.gives) }], shared })),
      op,
    ).toBe(false);
  }
});

type Numbers = readonly number[];
const bool = (holds: boolean): number => Number(holds);
/** What the instructions of one number do, and those of vectors in each lane. */
const NUMBERS: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  div_s: (a, b) => a / b,
  rem_s: (a, b) => a % b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
  eqz: (a) => bool(a === 0),
  eq: (a, b) => bool(a === b),
  ne: (a, b) => bool(a !== b),
  lt: (a, b) => bool(a < b),
  gt: (a, b) => bool(a > b),
  le: (a, b) => bool(a <= b),
  ge: (a, b) => bool(a >= b),
  lt_s: (a, b) => bool(a < b),
  gt_s: (a, b) => bool(a > b),
  ge_s: (a, b) => bool(a >= b),
  min_s: Math.min,
  max_s: Math.max,
  abs: Math.abs,
  neg: (a) => -a,
  floor: Math.floor,
  sqrt: Math.sqrt,
  pmin: (a, b) => (b < a ? b : a),
  pmax: (a, b) => (a < b ? b : a),
  convert_i32_s: (a) => a,
  convert_i32x4_s: (a) => a,
  trunc_sat_f32_s: (a) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number.isNaN(a) ? 0 : Math.trunc(a))),
  trunc_sat_f32x4_s: (a) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number.isNaN(a) ? 0 : Math.trunc(a))),
};
const COMPARES = /\.(eq|ne|lt|gt|le|ge)(_s)?$/;

const REALS: readonly Numbers[] = [
  [1.5, -2, NaN, 3e9],
  [-0.25, 7, 2, -3.75],
  [1.5, -Infinity, 0, 16777216],
  [0, -0, NaN, 2.5],
];
const INTEGERS: readonly Numbers[] = [
  [5, -7, 2147483647, 0],
  [3, 2, -1, 1],
  [5, -7, 65536, -2147483648],
  [-2, 9, 40000, 7],
];

const realOperands = (op: Op): boolean => /^f32/.test(op) !== /convert/.test(op) || /trunc_sat/.test(op);
const realResult = (op: Op): boolean => /^f32/.test(op) && !COMPARES.test(op);

const memory = moduleMemory();
const { buffer, byteOffset } = memory.allocate(256);
const words = new Int32Array(buffer, byteOffset, 64);
const arrayOf = (isReal: boolean) => (isReal ? new Float32Array(buffer, byteOffset, 64) : words);

/** What lies so many bytes behind the parameter. */
const loaded = (type: WasmType, offset: number): Instruction =>
  atMemory(
    type === "v128" ? "v128.load" : type === "f32" ? "f32.load" : "i32.load",
    { offset },
    get(0, "i32"),
  );

/** Runs an instruction over the memory that begins where its parameter says; what it gives goes 192 bytes behind. */
async function carriedOut(code: Instruction): Promise<() => void> {
  const gives = typeOf(code);
  const store = gives === "v128" ? "v128.store" : gives === "f32" ? "f32.store" : "i32.store";
  const body = [gives ? atMemory(store, { offset: 192 }, get(0, "i32"), code) : code];
  const { f } = await memory.open({
    functions: [{ name: "f", takes: ["i32"], locals: [], body }],
    shared: true,
  });
  return () => void f(byteOffset);
}

const meaningOf = (op: Op) => NUMBERS[op.slice(op.indexOf(".") + 1)];
const OF_ADDRESSES: readonly Op[] = ["i64.add", "i64.mul", "i64.extend_i32_s"];
const LANEWISE = OPS.filter((op) => meaningOf(op) !== undefined && !OF_ADDRESSES.includes(op));

it.each(LANEWISE)("%s does in each lane what its name says", async (op) => {
  const { takes } = signatureOf(op);
  const run = await carriedOut(plain(op, ...takes.map((type, i) => loaded(type, 64 * i))));
  const lanes = takes[0] === "v128" ? 4 : 1;
  const isReal = realOperands(op);
  const operands = isReal ? REALS : INTEGERS;
  const wanted = (a: number, b: number): number => {
    // A product of integers has more digits than a number.
    if (op.startsWith("i32") && op.endsWith(".mul")) return Math.imul(a, b);
    const value = meaningOf(op)(a, b);
    if (COMPARES.test(op) && lanes === 4) return -value;
    return realResult(op) ? Math.fround(value) : Number(BigInt.asIntN(32, BigInt(Math.trunc(value))));
  };
  for (const a of operands)
    for (const b of operands) {
      // What is divided is not negative, nor what it is divided by.
      if (/div_s|rem_s/.test(op) && !(a[0] >= 0 && b[0] > 0)) continue;
      arrayOf(isReal).set(a, 0);
      arrayOf(isReal).set(b, 16);
      run();
      const got = Array.from(arrayOf(realResult(op)).subarray(48, 48 + lanes));
      const want = a.slice(0, lanes).map((x, lane) => wanted(x, b[lane]));
      if (realResult(op)) expect(got, `${a} and ${b}`).toEqual(want);
      // Of integers there is one zero.
      else expect(got, `${a} and ${b}`).toEqual(want.map((x) => x + 0));
    }
});

const A = [-700, 8, 9, 10];
const B = [70, 80, 90, 100];
/** Of the others: what they make of A, B and B again, or of 5 and of 6.5. */
const OTHERS: Partial<Readonly<Record<Op, Numbers>>> = {
  "i8x16.shuffle": [90, 8, -700, 70],
  "i32x4.splat": [5, 5, 5, 5],
  "f32x4.splat": [6.5, 6.5, 6.5, 6.5],
  "i32x4.extract_lane": [9],
  "f32x4.extract_lane": [9],
  "i32x4.replace_lane": [-700, 8, 5, 10],
  "v128.bitselect": A.map((x, i) => x & B[i]),
  "v128.any_true": [1],
  "i32x4.shl": A.map((x) => x << 5),
  "i32x4.shr_s": A.map((x) => x >> 5),
  "i32x4.shr_u": A.map((x) => (x >>> 5) | 0),
  "i64x2.extmul_low_i32x4_u": [-49000, 69, 640, 0],
  "i64x2.extmul_high_i32x4_u": [810, 0, 1000, 0],
  [RELAXED]: A.map((x, i) => x * B[i] + B[i]),
};
const others = OPS.filter((op) => ![...LANEWISE, ...OF_ADDRESSES].includes(op) && !isMemory(op));

it("those with lanes, shifts and choices are all known", () => {
  expect(Object.keys(OTHERS).sort()).toEqual([...others].sort());
});

it.each(others.filter((op) => op !== RELAXED || architectures.includes("relaxed")))(
  "%s does what its name says",
  async (op) => {
    const isReal = op.startsWith("f32");
    const of = signatureOf(op).takes.map((type, i) =>
      type === "i32" ? i32(5) : type === "f32" ? f32(6.5) : loaded(type, 64 * Math.min(i, 1)),
    );
    const run = await carriedOut(instruction(op, of));
    arrayOf(isReal).set(A, 0);
    arrayOf(isReal).set(B, 16);
    run();
    const want = OTHERS[op] ?? [];
    expect(Array.from(arrayOf(isReal).subarray(48, 48 + want.length))).toEqual(want);
  },
);

/** Words 5, 6, … of memory are 6, 7, …: they lie at offset 20. What is stored, and the other lanes, come from 17, 18, 19, 20. */
const MOVED: Partial<Readonly<Record<Op, Numbers>>> = {
  "i32.load": [6],
  "f32.load": [6],
  "i32.store": [17],
  "f32.store": [17],
  "v128.load": [6, 7, 8, 9],
  "v128.load32_splat": [6, 6, 6, 6],
  "v128.load32_zero": [6, 0, 0, 0],
  "v128.load32_lane": [17, 18, 6, 20],
  "v128.store": [17, 18, 19, 20],
  "v128.store32_lane": [19],
  "v128.store64_lane": [19, 20],
};

it.each(OPS.filter(isMemory))("%s moves the bytes that it names, and no others", async (op) => {
  const { takes, gives } = signatureOf(op);
  const run = await carriedOut(
    instruction(
      op,
      takes.map((type, i) => (i === 0 ? get(0, "i32") : loaded(type, 64))),
    ),
  );
  words.set(Array.from(words, (_, i) => i + 1));
  const wanted = Array.from(words);
  run();
  const want = MOVED[op] ?? [];
  wanted.splice(gives ? 48 : 5, want.length, ...want);
  expect(want.length).toBeGreaterThan(0);
  expect(Array.from(words)).toEqual(wanted);
});

it("addresses of 64 bits go on and back by numbers of 32", async () => {
  const body = [moved(moved(get(0, "i64"), get(1, "i32"), 12), i32(-2), 2 ** 31)];
  const f: WasmFunction = { name: "f", takes: ["i64", "i32"], gives: "i64", locals: [], body };
  const { f: run } = await memory.open({ functions: [f], shared: true });
  const most = 2 ** 31 - 1;
  expect([run(2n ** 33n, most), run(2n ** 33n, -5), run(7n, 0)]).toEqual([
    2n ** 33n + 12n * BigInt(most) - 2n ** 32n,
    2n ** 33n - 60n - 2n ** 32n,
    7n - 2n ** 32n,
  ]);
});
