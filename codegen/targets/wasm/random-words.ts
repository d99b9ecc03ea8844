import { LaneBuilder } from "../../lanes/functions/lane-builder.js";
import { NodeList } from "../../lanes/functions/lane-program.js";
import { philoxBlock } from "../../lanes/functions/lane-random.js";
import { encodeModule } from "./encode-module.js";
import type { WasmType } from "./instructions.js";
import { laneValues } from "./lane-code.js";
import {
  addIntegers,
  atMemory,
  get,
  type Instruction,
  i32,
  integers,
  plain,
  set,
  shuffle,
} from "./wasm-code.js";

/** The function that writes words. */
export const WORDS = "words";

const LANES = 4;
const BLOCK_BYTES = 16;

/**
 * A module with one function, `words(blocks, c0, c1, c2, c3, k0, k1)`: writes that many blocks of Philox 4×32-10, a multiple of four, to
 * its memory from byte 0, of the counter c0 (lowest), c1, c2, c3 and those after it under the key k0 (low), k1. The lowest
 * word of the counter must not wrap round on the way.
 */
export function randomWordsModule(): Uint8Array {
  const takes = Array<WasmType>(7).fill("i32");
  const locals: WasmType[] = [];
  const local = (type: WasmType): number => takes.length + locals.push(type) - 1;
  const [blocks, c0, ...fixed] = takes.map((_, i) => get(i, "i32"));
  const before: Instruction[] = [];
  const vectorOf = (of: Instruction): Instruction => {
    const name = local("v128");
    before.push(set(name, plain("i32x4.splat", of)));
    return get(name, "v128");
  };
  const others = fixed.map(vectorOf);
  const [place, end, lowest] = [local("i32"), local("i32"), local("v128")];
  before.push(
    set(end, plain("i32.mul", blocks, i32(BLOCK_BYTES))),
    set(lowest, plain("i32x4.add", plain("i32x4.splat", c0), integers([0, 1, 2, 3]))),
  );
  const b = new LaneBuilder(new NodeList("float32"), { fused: false });
  const parameter = (i: number) => b.list.parameter("int", i);
  const block = philoxBlock(b, [parameter(4), parameter(5)], [0, 1, 2, 3].map(parameter) as never);
  const body: Instruction[] = [];
  const write = (code: Instruction): void => void body.push(code);
  const words = laneValues(b.list.program(...block), [get(lowest, "v128"), ...others], { local, write });
  const [x0, x1, x2, x3] = words.map((word) => {
    const name = local("v128");
    write(set(name, word));
    return get(name, "v128");
  });
  const address = get(place, "i32");
  // A block's words lie side by side: the vectors are the columns of what is stored.
  const [low, high] = [
    [shuffle([0, 4, 1, 5], x0, x1), shuffle([0, 4, 1, 5], x2, x3)],
    [shuffle([2, 6, 3, 7], x0, x1), shuffle([2, 6, 3, 7], x2, x3)],
  ];
  for (const [half, [first, second]] of [low, high].entries())
    for (const [row, lanes] of [
      [0, 1, 4, 5],
      [2, 3, 6, 7],
    ].entries())
      write(
        atMemory(
          "v128.store",
          { offset: BLOCK_BYTES * (2 * half + row) },
          address,
          shuffle(lanes, first, second),
        ),
      );
  body.push(
    set(lowest, plain("i32x4.add", get(lowest, "v128"), integers(Array(LANES).fill(LANES)))),
    set(place, addIntegers(address, i32(LANES * BLOCK_BYTES))),
  );
  const again = plain("i32.lt_s", address, get(end, "i32"));
  const loop: Instruction = { kind: "loop", body, again };
  return encodeModule({
    functions: [{ name: WORDS, takes, locals, body: [...before, loop] }],
    shared: false,
  });
}
