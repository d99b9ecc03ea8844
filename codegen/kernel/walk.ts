import type { Condition, Index, Memory, Statement, Typed, Value, Variable } from "./kernel.js";

/** Called for what stands in statements, at any depth. */
export interface Visitor {
  /** Each index expression that is not part of another one; those inside loads of indices count too. */
  readonly index?: (x: Index) => void;
  readonly value?: (x: Value) => void;
}

export function visit(statements: readonly Statement[], visitor: Visitor): void {
  const typed = (x: Typed): void => {
    if (x.type === "real") value(x.value);
    else index(x.value);
  };

  const index = (x: Index): void => {
    visitor.index?.(x);
    inside(x);
  };
  const inside = (x: Index): void => {
    switch (x.kind) {
      case "int":
      case "var":
        break;
      case "iload":
        index(x.at);
        break;
      case "truncate":
        value(x.value);
        break;
      default:
        inside(x.a);
        inside(x.b);
    }
  };

  const condition = (x: Condition): void => {
    switch (x.kind) {
      case "compare":
        index(x.a);
        index(x.b);
        break;
      case "compareValue":
        value(x.a);
        value(x.b);
        break;
      case "and":
        x.all.forEach(condition);
        break;
      default:
        x satisfies never;
    }
  };

  const value = (x: Value): void => {
    visitor.value?.(x);
    switch (x.kind) {
      case "const":
      case "local":
        break;
      case "load":
        index(x.at);
        break;
      case "fromIndex":
        index(x.index);
        break;
      case "unary":
      case "shaped":
        value(x.x);
        break;
      case "binary":
        value(x.a);
        value(x.b);
        break;
      case "fma":
        [x.a, x.b, x.c].forEach(value);
        break;
      case "exchange":
        value(x.value);
        break;
      case "select":
        [x.left, x.right, x.whenTrue, x.otherwise].forEach(value);
        break;
      case "guard":
        condition(x.condition);
        value(x.whenTrue);
        value(x.otherwise);
        break;
      case "random":
        value(x.step);
        index(x.element);
        break;
      default:
        x satisfies never;
    }
  };

  for (const statement of statements) {
    switch (statement.kind) {
      case "for":
        index(statement.from);
        index(statement.to);
        visit(statement.body, visitor);
        break;
      case "declare":
      case "assign":
        typed(statement);
        break;
      case "store":
        index(statement.at);
        typed(statement);
        break;
      case "if":
        condition(statement.condition);
        visit(statement.whenTrue, visitor);
        visit(statement.otherwise, visitor);
        break;
      case "barrier":
        break;
      default:
        statement satisfies never;
    }
  }
}

/** The variables of an index expression, those inside loads of indices left out. */
export function variablesOf(x: Index, found: (variable: Variable) => void): void {
  switch (x.kind) {
    case "var":
      found(x.variable);
      break;
    case "int":
    case "iload":
    case "truncate":
      break;
    default:
      variablesOf(x.a, found);
      variablesOf(x.b, found);
  }
}

/** Each load from memory, of a real or an integer, at any depth. */
export function visitLoads(
  statements: readonly Statement[],
  found: (buffer: Memory, at: Index) => void,
): void {
  const inside = (x: Index): void => {
    switch (x.kind) {
      case "iload":
        found(x.buffer, x.at);
        break;
      case "int":
      case "var":
      case "truncate":
        break;
      default:
        inside(x.a);
        inside(x.b);
    }
  };
  visit(statements, { index: inside, value: (x) => x.kind === "load" && found(x.buffer, x.at) });
}

/** Without locals that nothing reads. */
export function dropUnused(statements: readonly Statement[]): readonly Statement[] {
  const used = new Set<Variable>();
  visit(statements, {
    index: (x) => variablesOf(x, (variable) => used.add(variable)),
    value: (x) => x.kind === "local" && used.add(x.variable),
  });
  let dropped = false;
  const keep = (block: readonly Statement[]): readonly Statement[] =>
    block.flatMap((statement): readonly Statement[] => {
      switch (statement.kind) {
        case "declare":
          if (used.has(statement.variable) || statement.mutable) return [statement];
          dropped = true;
          return [];
        case "for":
          return [{ ...statement, body: keep(statement.body) }];
        case "if":
          return [{ ...statement, whenTrue: keep(statement.whenTrue), otherwise: keep(statement.otherwise) }];
        case "assign":
        case "store":
        case "barrier":
          return [statement];
        default:
          return statement satisfies never;
      }
    });
  const kept = keep(statements);
  // What only a dropped local read is unused now.
  return dropped ? dropUnused(kept) : statements;
}
