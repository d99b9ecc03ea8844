import { InternalError } from "../../../proto/errors/index.js";
import type { Statement } from "../../kernel/kernel.js";
import { hasOwnMemory } from "../../lanes/own-memory.js";
import { anyLane, atLane, atMemory, type Instruction, typeOf, when } from "./wasm-code.js";
import { type Expressions, LANES, type Mask, type WasmContext } from "./wasm-context.js";
import type { AddressOf } from "./wasm-integers.js";
import { scatter, storeTransposed, storeVector } from "./wasm-memory.js";

type Store = Statement & { readonly kind: "store" };
type Stores = Statement & { readonly kind: "stores" };

/** How elements are stored, by how their places differ from lane to lane. */
export function storeCode(
  context: WasmContext,
  expressions: Expressions & { readonly addressOf: AddressOf },
) {
  const { kernel, shapes } = context;
  const { addressOf } = expressions;

  /** The value in all lanes. */
  const lanesOf = (statement: Store, mask: Mask | undefined): Instruction =>
    statement.type === "real"
      ? expressions.vector(expressions.real(statement.value, mask))
      : expressions.wholes(statement.value, mask);

  /** One element, which is the same in all lanes that store. */
  const storeOne = (statement: Store, mask: Mask | undefined): void => {
    const value = oneOf(statement, mask);
    const { base, offset } = addressOf(statement.buffer, statement.at);
    const store = atMemory(typeOf(value) === "i32" ? "i32.store" : "f32.store", { offset }, base, value);
    context.write(mask && mask.count === undefined ? when(anyLane(mask.code), [store]) : store);
  };
  const oneOf = (statement: Store, mask: Mask | undefined): Instruction => {
    const varies =
      statement.type === "real" ? shapes.varies(statement.value) : shapes.index(statement.value) !== 0;
    // Where the first lane is alone, it may store what is its own.
    if (varies && mask?.count !== 1) throw new InternalError("lanes store different values in one place");
    if (statement.type === "index")
      return shapes.index(statement.value) === "varying"
        ? atLane("i32x4.extract_lane", 0, expressions.wholes(statement.value, mask))
        : expressions.whole(statement.value);
    const piece = expressions.real(statement.value, mask);
    return piece.varies ? atLane("f32x4.extract_lane", 0, piece.code) : piece.code;
  };

  return {
    store(statement: Store, mask: Mask | undefined): void {
      const { buffer, at } = statement;
      const step = shapes.index(at);
      if (hasOwnMemory(kernel, buffer)) {
        if (statement.type !== "real" || step !== 0)
          throw new InternalError("memory of a lane's own, at an index of its own");
        storeVector(context, addressOf(buffer, at, 4 * LANES), lanesOf(statement, mask));
      } else if (step === 0) storeOne(statement, mask);
      else if (step === 1) storeVector(context, addressOf(buffer, at), lanesOf(statement, mask), mask);
      else {
        const value = lanesOf(statement, mask);
        scatter(context, context.startOf(buffer), expressions.wholes(at, mask), value, mask);
      }
    },
    stores({ buffer, at, values }: Stores, mask: Mask | undefined): void {
      const step = shapes.index(at);
      if (step === "varying" || step === 0 || !kernel.team || (mask && mask.count === undefined))
        throw new InternalError("a block is stored in lanes that lie evenly apart");
      const lanes = mask?.count ?? LANES;
      const rows = values.map((x) => expressions.vector(expressions.real(x, mask)));
      for (let from = 0; from < rows.length; from += LANES) {
        const { base, offset } = addressOf(buffer, at);
        storeTransposed(context, { base, offset: offset + 4 * from }, rows.slice(from, from + LANES), {
          step,
          lanes,
        });
      }
    },
  };
}
