/** Visiting, rewriting and folding the kernel language: what stands in a form is told by one table. */
import { describe, expect, it } from "vitest";
import type { Form } from "../../../codegen/kernel/children.js";
import { dropUnused } from "../../../codegen/kernel/drop-unused.js";
import { add, iload, int, keyOf, mul, variable } from "../../../codegen/kernel/indices.js";
import type { Index, Statement } from "../../../codegen/kernel/kernel.js";
import { rewriteInside } from "../../../codegen/kernel/rewrite-forms.js";
import { visit, visitLoads } from "../../../codegen/kernel/visit-forms.js";
import { constant, load, plus } from "../../../codegen/kernel/writer.js";

const i = variable(0, 0, 9);
const j = variable(1, 0, 9);
/** for i: v2 = b0[b1[i]] + 1; if (i < j) b2[i] = v2 else ; v3 = v2 */
const STATEMENTS: readonly Statement[] = [
  {
    kind: "for",
    variable: 0,
    from: int(0),
    to: int(10),
    step: 1,
    unrolled: false,
    body: [
      {
        kind: "declare",
        variable: 2,
        mutable: false,
        type: "real",
        value: plus(load(0, iload(1, i)), constant(1)),
      },
      {
        kind: "if",
        condition: { kind: "and", all: [{ kind: "compare", cmp: "lt", a: i, b: j }] },
        whenTrue: [{ kind: "store", buffer: 2, at: i, type: "real", value: { kind: "local", variable: 2 } }],
        otherwise: [],
      },
      { kind: "declare", variable: 3, mutable: false, type: "real", value: { kind: "local", variable: 2 } },
    ],
  },
];

describe("the kernel language's forms", () => {
  it("are visited with all that stands in them, in the order in which it is evaluated", () => {
    const met: string[] = [];
    visit(STATEMENTS, ({ kind }, parent) => met.push(`${parent?.kind ?? ""}>${kind}`));
    expect(met.join(" ")).toBe(
      ">for for>int for>int for>declare declare>binary binary>load load>iload iload>var binary>const " +
        "for>if if>and and>compare compare>var compare>var if>store store>var store>local " +
        "for>declare declare>local",
    );
    const loads: string[] = [];
    visitLoads(STATEMENTS, (buffer, at) => loads.push(`${buffer}[${keyOf(at)}]`));
    expect(loads).toEqual(["0[m1[v0]]", "1[v0]"]);
  });

  it("are passed over where the visitor says so", () => {
    const met: Form["kind"][] = [];
    visit(STATEMENTS, ({ kind }) => {
      met.push(kind);
      return kind !== "declare" && kind !== "if";
    });
    expect(met).toEqual(["for", "int", "int", "declare", "if", "declare"]);
  });

  it("are themselves where a rewrite changes nothing, and share what it does not change", () => {
    const [loop] = STATEMENTS;
    expect(rewriteInside(loop, {})).toBe(loop);
    expect(rewriteInside(loop, { block: (block) => block, index: (x) => x })).toBe(loop);
    const changed = rewriteInside(loop, { condition: () => ({ kind: "compare", cmp: "eq", a: i, b: j }) });
    expect(changed).not.toBe(loop);
    const bodies = [loop, changed].map((x) => (x.kind === "for" ? x.body : []));
    expect(bodies[1][0]).toBe(bodies[0][0]);
    expect(bodies[1][1]).toMatchObject({ condition: { kind: "compare", cmp: "eq" } });
  });

  it("forget in a changed copy what was derived of them", () => {
    const sum = add(mul(i, 4), iload(1, i));
    keyOf(sum);
    const shift = (x: Index): Index => (x === i ? j : rewriteInside(x, { index: shift }));
    const moved = shift(sum);
    expect(keyOf(moved)).toBe(keyOf(add(mul(j, 4), iload(1, j))));
    expect(keyOf(moved)).not.toBe(keyOf(sum));
  });

  it("lose locals that nothing reads", () => {
    const [loop] = dropUnused(STATEMENTS);
    expect(loop.kind === "for" && loop.body.map(({ kind }) => kind)).toEqual(["declare", "if"]);
    expect(dropUnused([loop])).toEqual([loop]);
  });
});
