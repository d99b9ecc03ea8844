import { PAGE } from "../../codegen/targets/wasm/module-interface.js";
import { randomWordsModule, WORDS } from "../../codegen/targets/wasm/random-words.js";
import { ENGINE } from "../devices/wasm/engine.js";
import { importsOf } from "../devices/wasm/module-instance.js";
import { findVectors } from "../devices/wasm/vectors.js";
import { useVectors } from "./philox.js";

const BLOCK_BYTES = 16;

let loading: Promise<void> | undefined;

/** From when this has resolved random words are drawn four blocks at a time, where the engine has vectors: the same words. */
export function drawInVectors(): Promise<void> {
  loading ??= load();
  return loading;
}

async function load(): Promise<void> {
  if (!ENGINE || "why" in (await findVectors())) return;
  const memory = new ENGINE.Memory({ initial: 1, maximum: 1, shared: false });
  const module = await ENGINE.compile(randomWordsModule());
  const { exports } = await ENGINE.instantiate(module, importsOf(memory, 0));
  const run = exports[WORDS];
  const words = new Uint32Array(memory.buffer);
  useVectors({
    most: PAGE / BLOCK_BYTES,
    draw(out, at, blocks, ...counterAndKey) {
      run(blocks, ...counterAndKey);
      out.set(words.subarray(0, 4 * blocks), at);
    },
  });
}
