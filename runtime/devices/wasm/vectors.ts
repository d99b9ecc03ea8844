import { encodeModule, IMPORTS, MEMORY, SCRATCH_START } from "../../../codegen/targets/wasm/encode-module.js";
import {
  atLane,
  f32,
  get,
  type Instruction,
  plain,
  type WasmFunction,
} from "../../../codegen/targets/wasm/wasm-code.js";
import type { WasmArchitecture } from "../../../codegen/targets/wasm/wasm-description.js";
import { ENGINE, type Engine, type LinearMemory } from "./engine.js";

const PROBE = "probe";

/** A module with one function, of a number to a number. */
const probe = (value: Instruction): Uint8Array => {
  const one: WasmFunction = { name: PROBE, takes: ["f32"], gives: "f32", locals: [], body: [value] };
  return encodeModule({ functions: [one], shared: true });
};

const vectorOf = (x: Instruction): Instruction => plain("f32x4.splat", x);
const X = vectorOf(get(0, "f32"));
const SUM = probe(atLane("f32x4.extract_lane", 0, plain("f32x4.add", X, X)));
/** What x² is rounded to for x = 1 + 2⁻¹²: what rounds once tells the difference. */
const ROUNDED = vectorOf(f32(-(1 + 2 ** -11)));
const FUSED = probe(atLane("f32x4.extract_lane", 0, plain("f32x4.relaxed_madd", X, X, ROUNDED)));

/** A module with nothing but a memory of 64-bit addresses. */
const MEMORY64 = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 4, 1);

/** What a module of ours imports. */
export const importsOf = (memory: LinearMemory, scratch: number) => ({
  [IMPORTS]: { [MEMORY]: memory, [SCRATCH_START]: scratch },
});

async function multipliesAndAdds({ validate, compile, Instance, Memory }: Engine): Promise<boolean> {
  if (!validate(FUSED)) return false;
  const memory = new Memory({ initial: 1, maximum: 65536, shared: true });
  const { exports } = new Instance(await compile(FUSED), importsOf(memory, 0));
  return exports[PROBE](1 + 2 ** -12) !== 0;
}

/** An engine with vectors, and the best that it has. */
export interface Vectors {
  readonly engine: Engine;
  readonly architecture: WasmArchitecture;
}

let found: Promise<Vectors | undefined> | undefined;

/** Undefined where the engine has no WebAssembly, or none with vectors and shared memory. */
export function findVectors(): Promise<Vectors | undefined> {
  found ??= (async () => {
    if (!ENGINE?.validate(SUM)) return undefined;
    const fused = await multipliesAndAdds(ENGINE);
    const architecture = fused ? (ENGINE.validate(MEMORY64) ? "memory64" : "relaxed") : "simd128";
    return { engine: ENGINE, architecture };
  })();
  return found;
}
