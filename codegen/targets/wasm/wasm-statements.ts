import { boundsOf } from "../../kernel/indices.js";
import type { Statement, Variable } from "../../kernel/kernel.js";
import { eachStatement, type StatementCases } from "../../kernel/statement-cases.js";
import {
  addIntegers,
  anyLane,
  get,
  type Instruction,
  i32,
  integers,
  type Local,
  plain,
  set,
  when,
} from "./wasm-code.js";
import { conditionCode } from "./wasm-conditions.js";
import { type Expressions, kept, LANES, type Mask, type WasmContext } from "./wasm-context.js";
import { type AddressOf, integerCode } from "./wasm-integers.js";
import { realCode } from "./wasm-reals.js";
import { storeCode } from "./wasm-stores.js";

/** The three sorts of expressions refer to one another. */
function createExpressions(context: WasmContext): Expressions & { readonly addressOf: AddressOf } {
  const all = {} as Expressions & { readonly addressOf: AddressOf };
  return Object.assign(all, integerCode(context, all), realCode(context, all), conditionCode(context, all));
}

/** Writes the statements of one kernel: what varies between lanes is a vector, and what is conditional is masked. */
export function statementWriter(context: WasmContext): (statements: readonly Statement[]) => void {
  const { kernel, shapes } = context;
  const expressions = createExpressions(context);
  const { whole, wholes, vector, real, condition } = expressions;
  const { store, stores } = storeCode(context, expressions);
  /** The mask that a variable was declared under: assigned under the same, it needs no choice. */
  const declaredUnder = new Map<Variable, Mask | undefined>();
  const inside = (statements: readonly Statement[], mask: Mask | undefined): readonly Instruction[] =>
    context.captured(() => write(statements, mask));

  const declare = (statement: Statement & { kind: "declare" }, mask: Mask | undefined): void => {
    const { variable } = statement;
    const varies = shapes.variable(variable) !== 0;
    declaredUnder.set(variable, mask);
    if (statement.type === "real") {
      const piece = real(statement.value, mask);
      // A number from memory comes into all lanes at once.
      const lanes = varies || (kernel.team && !statement.mutable && piece.code.kind === "memory");
      const value = lanes ? vector(piece) : piece.code;
      context.write(set(context.declare(variable, lanes ? "v128" : "f32"), value));
      return;
    }
    const apart = shapes.variable(variable) === "varying";
    const value = apart ? wholes(statement.value, mask) : whole(statement.value);
    context.write(set(context.declare(variable, apart ? "v128" : "i32"), value));
  };

  const assign = (statement: Statement & { kind: "assign" }, mask: Mask | undefined): void => {
    const { variable } = statement;
    const before = context.variable(variable);
    const varies = shapes.variable(variable) !== 0;
    const piece = statement.type === "real" ? real(statement.value, mask) : undefined;
    const value = piece
      ? varies
        ? vector(piece)
        : piece.code
      : statement.type === "index" && (varies ? wholes(statement.value, mask) : whole(statement.value));
    if (!value || before.kind !== "get") return;
    if (statement.type === "index") context.forget();
    const choose = varies && mask && declaredUnder.get(variable) !== mask;
    context.write(set(before.local, choose ? plain("v128.bitselect", value, before, mask.code) : value));
  };

  const loop = (statement: Statement & { kind: "for" }, mask: Mask | undefined): void => {
    if (!shapes.loopsTogether(statement)) {
      loopApart(statement, mask);
      return;
    }
    const { variable, from, to, step, body } = statement;
    const start = whole(from);
    const end = kept(context, whole(to), "i32");
    const counter = context.declare(variable, "i32");
    const now = get(counter, "i32");
    context.write(set(counter, start));
    const turn: Instruction = {
      kind: "loop",
      body: [...inside(body, mask), set(counter, addIntegers(now, i32(step)))],
      again: plain("i32.lt_s", now, end),
    };
    const entered = boundsOf(from)[1] < boundsOf(to)[0];
    context.write(entered ? turn : when(plain("i32.lt_s", now, end), [turn]));
  };
  /** Each lane makes its own number of turns: the body runs while there is a lane that turns. */
  const loopApart = (
    { variable, from, to, step, body }: Statement & { kind: "for" },
    mask: Mask | undefined,
  ): void => {
    const end = kept(context, wholes(to, mask), "v128");
    const start = wholes(from, mask);
    const counter: Local = context.declare(variable, "v128");
    const now = get(counter, "v128");
    context.write(set(counter, start));
    const turning = context.local("v128");
    const turns = get(turning, "v128");
    const goesOn = plain("i32x4.lt_s", now, end);
    context.write({
      kind: "endless",
      before: [set(turning, mask ? plain("v128.and", goesOn, mask.code) : goesOn)],
      end: plain("i32.eqz", anyLane(turns)),
      body: [
        ...inside(body, { code: turns }),
        set(counter, plain("i32x4.add", now, integers(Array(LANES).fill(step)))),
      ],
    });
  };

  const branch = (statement: Statement & { kind: "if" }, mask: Mask | undefined): void => {
    const { whenTrue, otherwise } = statement;
    if (!shapes.varies(statement.condition)) {
      const test = condition(statement.condition, mask).code;
      context.write(when(test, inside(whenTrue, mask), inside(otherwise, mask)));
      return;
    }
    const own = expressions.masked(statement.condition, mask);
    masked(whenTrue, own);
    if (otherwise.length > 0) masked(otherwise, expressions.others(own, mask));
  };
  /** What is worth asking first whether any lane does it. */
  const masked = (statements: readonly Statement[], mask: Mask): void => {
    if (mask.count === 0) return;
    const simple = mask.count !== undefined || statements.every(({ kind }) => kind === "assign");
    if (simple) write(statements, mask);
    else context.write(when(anyLane(mask.code), inside(statements, mask)));
  };

  const cases: StatementCases<Mask | undefined> = {
    for: loop,
    declare,
    assign,
    store,
    stores,
    if: branch,
    prefetch: () => undefined,
    // In step as they are, lanes need not meet.
    barrier: () => undefined,
  };
  const write = (statements: readonly Statement[], mask: Mask | undefined): void =>
    eachStatement(statements, cases, mask);
  return (statements) => write(statements, undefined);
}
