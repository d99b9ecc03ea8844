/** The instructions of WebAssembly that kernels are made of, by the names and numbers of its specification. */

export type WasmType = "i32" | "i64" | "f32" | "v128";

/** Of where something lies in memory: i64 in a memory of more than 4 GiB. */
export type AddressType = "i32" | "i64";

/** Opcodes behind these prefixes: 0xfd000 + n is prefix 0xfd and number n. */
const SATURATING = 0xfc000;
const SIMD = 0xfd000;

/**
 * Of each: its opcode, and the types that it takes and gives, by letters: i for i32, l for i64, f for f32, v for v128. Addresses
 * are written as i32. What it needs beside
 * operands (an offset, a lane) is an `Instruction`'s own.
 */
const TABLE = {
  "i32.load": [0x28, "i>i"],
  "f32.load": [0x2a, "i>f"],
  "i32.store": [0x36, "ii>"],
  "f32.store": [0x38, "if>"],
  "i32.eqz": [0x45, "i>i"],
  "i32.eq": [0x46, "ii>i"],
  "i32.ne": [0x47, "ii>i"],
  "i32.lt_s": [0x48, "ii>i"],
  "i32.gt_s": [0x4a, "ii>i"],
  "i32.ge_s": [0x4e, "ii>i"],
  "f32.eq": [0x5b, "ff>i"],
  "f32.ne": [0x5c, "ff>i"],
  "f32.lt": [0x5d, "ff>i"],
  "f32.gt": [0x5e, "ff>i"],
  "f32.le": [0x5f, "ff>i"],
  "f32.ge": [0x60, "ff>i"],
  "i32.add": [0x6a, "ii>i"],
  "i32.sub": [0x6b, "ii>i"],
  "i32.mul": [0x6c, "ii>i"],
  "i32.div_s": [0x6d, "ii>i"],
  "i32.rem_s": [0x6f, "ii>i"],
  "i32.and": [0x71, "ii>i"],
  "i64.add": [0x7c, "ll>l"],
  "i64.mul": [0x7e, "ll>l"],
  "f32.abs": [0x8b, "f>f"],
  "f32.neg": [0x8c, "f>f"],
  "f32.floor": [0x8e, "f>f"],
  "f32.sqrt": [0x91, "f>f"],
  "f32.add": [0x92, "ff>f"],
  "f32.sub": [0x93, "ff>f"],
  "f32.mul": [0x94, "ff>f"],
  "f32.div": [0x95, "ff>f"],
  "i64.extend_i32_s": [0xac, "i>l"],
  "f32.convert_i32_s": [0xb2, "i>f"],
  "i32.trunc_sat_f32_s": [SATURATING + 0, "f>i"],
  "v128.load": [SIMD + 0x00, "i>v"],
  "v128.load32_splat": [SIMD + 0x09, "i>v"],
  "v128.store": [SIMD + 0x0b, "iv>"],
  "i8x16.shuffle": [SIMD + 0x0d, "vv>v"],
  "i32x4.splat": [SIMD + 0x11, "i>v"],
  "f32x4.splat": [SIMD + 0x13, "f>v"],
  "i32x4.extract_lane": [SIMD + 0x1b, "v>i"],
  "i32x4.replace_lane": [SIMD + 0x1c, "vi>v"],
  "f32x4.extract_lane": [SIMD + 0x1f, "v>f"],
  "i32x4.eq": [SIMD + 0x37, "vv>v"],
  "i32x4.lt_s": [SIMD + 0x39, "vv>v"],
  "i32x4.ge_s": [SIMD + 0x3f, "vv>v"],
  "f32x4.eq": [SIMD + 0x41, "vv>v"],
  "f32x4.ne": [SIMD + 0x42, "vv>v"],
  "f32x4.lt": [SIMD + 0x43, "vv>v"],
  "f32x4.gt": [SIMD + 0x44, "vv>v"],
  "f32x4.le": [SIMD + 0x45, "vv>v"],
  "f32x4.ge": [SIMD + 0x46, "vv>v"],
  "v128.not": [SIMD + 0x4d, "v>v"],
  "v128.and": [SIMD + 0x4e, "vv>v"],
  "v128.or": [SIMD + 0x50, "vv>v"],
  "v128.xor": [SIMD + 0x51, "vv>v"],
  "v128.bitselect": [SIMD + 0x52, "vvv>v"],
  "v128.any_true": [SIMD + 0x53, "v>i"],
  "v128.load32_lane": [SIMD + 0x56, "iv>v"],
  "v128.store32_lane": [SIMD + 0x5a, "iv>"],
  "v128.store64_lane": [SIMD + 0x5b, "iv>"],
  "v128.load32_zero": [SIMD + 0x5c, "i>v"],
  "f32x4.floor": [SIMD + 0x68, "v>v"],
  "i32x4.shl": [SIMD + 0xab, "vi>v"],
  "i32x4.shr_s": [SIMD + 0xac, "vi>v"],
  "i32x4.shr_u": [SIMD + 0xad, "vi>v"],
  "i32x4.add": [SIMD + 0xae, "vv>v"],
  "i32x4.sub": [SIMD + 0xb1, "vv>v"],
  "i32x4.mul": [SIMD + 0xb5, "vv>v"],
  "i32x4.min_s": [SIMD + 0xb6, "vv>v"],
  "i32x4.max_s": [SIMD + 0xb8, "vv>v"],
  "i64x2.extmul_low_i32x4_u": [SIMD + 0xde, "vv>v"],
  "i64x2.extmul_high_i32x4_u": [SIMD + 0xdf, "vv>v"],
  "f32x4.abs": [SIMD + 0xe0, "v>v"],
  "f32x4.neg": [SIMD + 0xe1, "v>v"],
  "f32x4.sqrt": [SIMD + 0xe3, "v>v"],
  "f32x4.add": [SIMD + 0xe4, "vv>v"],
  "f32x4.sub": [SIMD + 0xe5, "vv>v"],
  "f32x4.mul": [SIMD + 0xe6, "vv>v"],
  "f32x4.div": [SIMD + 0xe7, "vv>v"],
  "f32x4.pmin": [SIMD + 0xea, "vv>v"],
  "f32x4.pmax": [SIMD + 0xeb, "vv>v"],
  "i32x4.trunc_sat_f32x4_s": [SIMD + 0xf8, "v>v"],
  "f32x4.convert_i32x4_s": [SIMD + 0xfa, "v>v"],
  /** Of the relaxed instructions: a · b + c, rounded once or twice as the engine likes. */
  "f32x4.relaxed_madd": [SIMD + 0x105, "vvv>v"],
} as const satisfies Readonly<Record<string, readonly [code: number, types: string]>>;

export type Op = keyof typeof TABLE;

export const OPS = Object.keys(TABLE) as readonly Op[];

const LETTERS: Readonly<Record<string, WasmType>> = { i: "i32", l: "i64", f: "f32", v: "v128" };

export interface Signature {
  readonly takes: readonly WasmType[];
  /** Absent: nothing. */
  readonly gives?: WasmType;
}

const SIGNATURES: ReadonlyMap<string, Signature> = new Map(
  Object.values(TABLE).map(([, types]) => {
    const [takes, gives] = types.split(">");
    return [types, { takes: [...takes].map((letter) => LETTERS[letter]), gives: LETTERS[gives] }];
  }),
);

export const signatureOf = (op: Op): Signature => SIGNATURES.get(TABLE[op][1]) ?? { takes: [] };

/** The opcode's prefix, where it has one, and its number. */
export function opcodeOf(op: Op): readonly [code: number] | readonly [prefix: number, number: number] {
  const [code] = TABLE[op];
  return code < SATURATING ? [code] : [code >> 12, code & 0xfff];
}
