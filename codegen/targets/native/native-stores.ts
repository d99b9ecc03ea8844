import { InternalError } from "../../../proto/errors/index.js";
import type { Statement } from "../../kernel/kernel.js";
import { hasOwnMemory, holdsIntegers } from "../../lanes/own-memory.js";
import { memoryName } from "./native-memory.js";
import type { ExpressionContext, Expressions, Mask } from "./native-text.js";

type Store = Statement & { readonly kind: "store" };
type Stores = Statement & { readonly kind: "stores" };

/** How elements are stored, by how their places differ from lane to lane. */
export function storeTexts(context: ExpressionContext, expressions: Expressions) {
  const { kernel, shapes, line } = context;
  const { whole, wholes, real, vector, pointer } = expressions;

  /** An element that every lane has for itself. */
  const storeOwn = (statement: Store, mask: Mask | undefined): void => {
    if (statement.type !== "real" || shapes.index(statement.at) !== 0)
      throw new InternalError("memory of a lane's own, at an index of its own");
    const text = vector(real(statement.value, mask)).text;
    const at = `(${whole(statement.at).text}) * ${kernel.team?.threads}`;
    line(`store<V>(${memoryName(statement.buffer)} + ${at}, ${text});`);
  };

  /** One element, which is the same in all lanes that store. */
  const storeOne = (statement: Store, mask: Mask | undefined): void => {
    const { buffer, at } = statement;
    const guard = mask && mask.count === undefined ? `if (any(${mask.text})) ` : "";
    const text = oneText(statement, mask);
    const stored = holdsIntegers(kernel, buffer) ? `(int)(${text})` : text;
    line(`${guard}${memoryName(buffer)}[${whole(at).text}] = ${stored};`);
  };
  const oneText = (statement: Store, mask: Mask | undefined): string => {
    const varies =
      statement.type === "real" ? shapes.varies(statement.value) : shapes.index(statement.value) !== 0;
    // Where the first lane is alone, it may store what is its own.
    if (varies && mask?.count !== 1) throw new InternalError("lanes store different values in one place");
    if (statement.type === "index")
      return shapes.index(statement.value) === "varying"
        ? `(${wholes(statement.value, mask).text})[0]`
        : whole(statement.value).text;
    const piece = real(statement.value, mask);
    return piece.varies ? `(${piece.text})[0]` : piece.text;
  };

  const storeIntegers = (statement: Store & { readonly type: "index" }, mask: Mask | undefined): void => {
    const { buffer, at, value } = statement;
    const [where, only] = mask ? ["Where", `, ${mask.text}`] : ["", ""];
    if (shapes.index(at) === 1) {
      line(`storeWholes${where}<V>(${pointer(buffer, at)}, ${wholes(value, mask).text}${only});`);
      return;
    }
    line(
      `scatterWholes${where}<V>(${memoryName(buffer)}, ${wholes(at, mask).text}, ${wholes(value, mask).text}${only});`,
    );
  };

  const storeReals = (statement: Store & { readonly type: "real" }, mask: Mask | undefined): void => {
    const { buffer, at } = statement;
    const text = vector(real(statement.value, mask)).text;
    if (shapes.index(at) === 1) {
      const to = pointer(buffer, at);
      if (!mask) line(`store<V>(${to}, ${text});`);
      else if (mask.count !== undefined) line(`storeFirst<V, ${mask.count}>(${to}, ${text});`);
      else line(`storeWhere<V>(${to}, ${text}, ${mask.text});`);
      return;
    }
    const [where, only] = mask ? ["Where", `, ${mask.text}`] : ["", ""];
    line(`scatter${where}<V>(${memoryName(buffer)}, ${wholes(at, mask).text}, ${text}${only});`);
  };

  return {
    store(statement: Store, mask: Mask | undefined): void {
      if (hasOwnMemory(kernel, statement.buffer)) storeOwn(statement, mask);
      else if (shapes.index(statement.at) === 0) storeOne(statement, mask);
      else if (statement.type === "index") storeIntegers(statement, mask);
      else storeReals(statement, mask);
    },
    stores({ buffer, at, values }: Stores, mask: Mask | undefined): void {
      const step = shapes.index(at);
      const { team } = kernel;
      if (step === "varying" || step === 0 || !team || (mask && mask.count === undefined))
        throw new InternalError("a block is stored in lanes that lie evenly apart");
      const pieces = values.map((x) => vector(real(x, mask)).text);
      const lanes = mask?.count ?? team.threads;
      for (let from = 0; from < pieces.length; from += team.threads) {
        const rows = pieces.slice(from, from + team.threads).join(", ");
        line(`storeTransposed<${lanes}, V>(${pointer(buffer, at)} + ${from}, ${step}, ${rows});`);
      }
    },
  };
}
