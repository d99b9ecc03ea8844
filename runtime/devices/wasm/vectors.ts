import { encodeModule } from "../../../codegen/targets/wasm/encode-module.js";
import {
  atLane,
  f32,
  get,
  type Instruction,
  plain,
  type WasmFunction,
} from "../../../codegen/targets/wasm/wasm-code.js";
import type { WasmArchitecture } from "../../../codegen/targets/wasm/wasm-description.js";
import { messageOf } from "../../../proto/words/trouble.js";
import { threadsRefused } from "../../thread-sharing.js";
import { ENGINE, type Engine } from "./engine.js";
import { architectureOf, PROBE_FUNCTION, type Probes, TELLING } from "./probe-engine.js";

const vectorOf = (x: Instruction): Instruction => plain("f32x4.splat", x);
const X = vectorOf(get(0, "f32"));
const SUM = atLane("f32x4.extract_lane", 0, plain("f32x4.add", X, X));
/** What the square is rounded to: what rounds once tells the difference. */
const ROUNDED = vectorOf(f32(-Math.fround(TELLING ** 2)));
const FUSED = atLane("f32x4.extract_lane", 0, plain("f32x4.relaxed_madd", X, X, ROUNDED));

/** The probes of an engine. @param shared whether threads are to share the memory of kernels */
export function probesFor(shared: boolean): Probes {
  const probe = (value: Instruction): Uint8Array => {
    const one: WasmFunction = {
      name: PROBE_FUNCTION,
      takes: ["f32"],
      gives: "f32",
      locals: [],
      body: [value],
    };
    return encodeModule({ functions: [one], shared });
  };
  return { sum: probe(SUM), fused: probe(FUSED), shared };
}

/** An engine with vectors, and the best that it has. */
export interface Vectors {
  readonly engine: Engine;
  readonly architecture: WasmArchitecture;
}

/** Why there are none, as a clause. */
export interface NoVectors {
  readonly why: string;
}

let found: Promise<Vectors | NoVectors> | undefined;

/** Those of this engine, over memory as kernels have it. */
export function findVectors(): Promise<Vectors | NoVectors> {
  found ??= (async () => {
    const none = { why: "this engine has no WebAssembly with vectors" };
    if (!ENGINE) return none;
    try {
      const architecture = await architectureOf(ENGINE, probesFor(threadsRefused() === undefined));
      return architecture ? { engine: ENGINE, architecture } : none;
    } catch (error) {
      // A page's policy may refuse what the engine has.
      return { why: `this engine compiles no WebAssembly: ${messageOf(error)}` };
    }
  })();
  return found;
}
