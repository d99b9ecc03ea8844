/**
 * LSTM, RNN and LSTMUnit: steps written out as loops, what is carried from one forward to the next, and what a user
 * reads where a layer does not fit.
 */
import { describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { randomStream } from "../../../runtime/random/index.js";
import { compile } from "../../../src/index.js";
import { lowerText } from "../../support/lowered.js";

const [T, N, I, S, H] = [3, 2, 3, 2, 4];

type Kind = "LSTM" | "RNN";
interface Setting {
  readonly kind: Kind;
  readonly fixed?: boolean;
  readonly exposed?: boolean;
}

const input = (name: string, ...dims: readonly number[]): string =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims.map((dim) => `dim: ${dim}`).join(" ")} } } }\n`;

const STATES = { LSTM: ["h", "c"], RNN: ["h"] } as const;

function textOf({ kind, fixed, exposed }: Setting): string {
  const states = exposed ? STATES[kind] : [];
  const bottoms = ["x", "cont", ...(fixed ? ["s"] : []), ...states.map((state) => `${state}0`)];
  const tops = ["y", ...states.map((state) => `${state}T`)];
  return `force_backward: true
${input("x", T, N, I)}${input("cont", T, N)}${fixed ? input("s", N, S) : ""}${states.map((state) => input(`${state}0`, 1, N, H)).join("")}
layer { name: "l" type: "${kind}" ${bottoms.map((b) => `bottom: "${b}"`).join(" ")} ${tops.map((t) => `top: "${t}"`).join(" ")}
  recurrent_param { num_output: ${H} expose_hidden: ${exposed === true}
    weight_filler { type: "uniform" min: -0.7 max: 0.7 } bias_filler { type: "uniform" min: -0.5 max: 0.5 } } }`;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
const dot = (w: ArrayLike<number>, row: number, x: readonly number[]): number =>
  x.reduce((sum, value, i) => sum + w[row * x.length + i] * value, 0);

interface Run {
  readonly y: readonly number[];
  /** Flat, as h and c lie in their blobs. */
  readonly states: readonly (readonly number[])[];
}

/** The recurrence of one setting, sequence by sequence. */
function byHand(
  { kind, fixed }: Setting,
  params: readonly ArrayLike<number>[],
  given: Readonly<Record<string, ArrayLike<number>>>,
  initial: readonly (readonly number[])[],
): Run {
  const [w, b] = params;
  const v = fixed ? params[2] : undefined;
  const [u, z, d] = params.slice(fixed ? 3 : 2);
  const y = new Array<number>(T * N * H).fill(0);
  const final = initial.map(() => new Array<number>(N * H).fill(0));
  for (const n of range(N)) {
    const own = (state: readonly number[]) => state.slice(n * H, (n + 1) * H);
    let h = own(initial[0]);
    let c = kind === "LSTM" ? own(initial[1]) : [];
    const s = fixed ? Array.from(given["s"]).slice(n * S, (n + 1) * S) : [];
    for (const t of range(T)) {
      const cont = given["cont"][t * N + n];
      const x = range(I).map((i) => given["x"][(t * N + n) * I + i]);
      const before = h.map((value) => cont * value);
      const sum = (row: number) => dot(w, row, x) + b[row] + (v ? dot(v, row, s) : 0) + dot(u, row, before);
      if (kind === "LSTM") {
        c = range(H).map(
          (k) => sigmoid(sum(H + k)) * cont * c[k] + sigmoid(sum(k)) * Math.tanh(sum(3 * H + k)),
        );
        h = range(H).map((k) => sigmoid(sum(2 * H + k)) * Math.tanh(c[k]));
      } else h = range(H).map((k) => Math.tanh(sum(k)));
      for (const k of range(H))
        y[(t * N + n) * H + k] = kind === "LSTM" ? h[k] : Math.tanh(dot(z, k, h) + d[k]);
    }
    for (const k of range(H)) {
      final[0][n * H + k] = h[k];
      if (kind === "LSTM") final[1][n * H + k] = c[k];
    }
  }
  return { y, states: final };
}

const values = (stream: ReturnType<typeof randomStream>, count: number): Float32Array =>
  Float32Array.from({ length: count }, () => 2 * stream.uniform() - 1);

const near = (found: ArrayLike<number>, wanted: ArrayLike<number>, within = 1e-5): void => {
  expect(found.length).toBe(wanted.length);
  for (let i = 0; i < found.length; i++) expect(Math.abs(found[i] - wanted[i])).toBeLessThan(within);
};

const SETTINGS: readonly Setting[] = (["LSTM", "RNN"] as const).flatMap((kind) => [
  { kind },
  { kind, fixed: true },
]);
const zeros = (kind: Kind) => STATES[kind].map(() => new Array<number>(N * H).fill(0));
const CONT = Float32Array.of(1, 0, 1, 1, 0, 1);

describe.each(SETTINGS)("$kind, static input: $fixed", (setting) => {
  const { kind, fixed } = setting;
  const stream = randomStream(7, kind === "LSTM" ? 1 : 2);
  const draw = () => ({
    x: values(stream, T * N * I),
    cont: CONT,
    ...(fixed ? { s: values(stream, N * S) } : {}),
  });
  const paramsOf = (net: Awaited<ReturnType<typeof compile>>) =>
    Promise.all(net.params["l"].map((param) => param.read()));

  it.each(["ts", "wasm", "emulator"] as const)(
    "forward goes on where the last one ended: %s",
    async (target) => {
      const net = await compile(textOf(setting), { phase: "TRAIN", target });
      const params = await paramsOf(net);
      let states: readonly (readonly number[])[] = zeros(kind);
      for (let i = 0; i < 3; i++) {
        const given = draw();
        const wanted = byHand(setting, params, given, states);
        near((await net.forward(given))["y"], wanted.y);
        states = wanted.states;
      }
      // Where every sequence begins anew, nothing of before is left.
      const given = { ...draw(), cont: Float32Array.of(0, 0, 1, 1, 1, 1) };
      near((await net.forward(given))["y"], byHand(setting, params, given, zeros(kind)).y);
      await net.close();
    },
  );

  it("backward is that of the last forward from the states before it, and changes nothing", async () => {
    const net = await compile(textOf(setting), { phase: "TRAIN", dtype: "float64" });
    const params = await paramsOf(net);
    const [first, second, third] = [draw(), draw(), draw()];
    const seed = values(stream, T * N * H);
    await net.forward(first);
    const { states } = byHand(setting, params, first, zeros(kind));
    await net.forward(second);
    // The program with this backward is made only now, and repeats the forward.
    const { inputs, params: gradients } = await net.backward({ y: seed });
    const again = await net.backward({ y: seed });
    expect(again.params["l"]).toEqual(gradients["l"]);

    const objective = (p: readonly ArrayLike<number>[], given: typeof second): number =>
      byHand(setting, p, given, states).y.reduce((sum, value, i) => sum + value * seed[i], 0);
    const step = 1e-4;
    const slope = (at: (move: number) => number): number => (at(step) - at(-step)) / (2 * step);
    const moved = (data: ArrayLike<number>, at: number, move: number): number[] =>
      Array.from(data, (value, i) => (i === at ? value + move : value));
    for (const [index, param] of params.entries())
      near(
        gradients["l"][index],
        range(param.length).map((i) =>
          slope((move) => objective(params.with(index, moved(param, i, move) as never), second)),
        ),
        1e-4,
      );
    for (const blob of fixed ? (["x", "s"] as const) : (["x"] as const))
      near(
        inputs[blob],
        range(second[blob]!.length).map((i) =>
          slope((move) => objective(params, { ...second, [blob]: moved(second[blob]!, i, move) })),
        ),
        1e-4,
      );
    expect(inputs["cont"] ?? new Float32Array(1)).toSatisfy((diff: Float32Array) =>
      diff.every((x) => x === 0),
    );

    const after = byHand(setting, params, second, states).states;
    near((await net.forward(third))["y"], byHand(setting, params, third, after).y);
    await net.close();
  });

  it("expose_hidden: begins with the bottoms, ends with the tops, carries nothing, truncates backward", async () => {
    const exposed = { ...setting, exposed: true };
    const net = await compile(textOf(exposed), { phase: "TRAIN", keep: "all" });
    const params = await paramsOf(net);
    const initial = STATES[kind].map(() => values(stream, N * H));
    const given: Record<string, Float32Array> = draw();
    for (const [i, state] of STATES[kind].entries()) given[`${state}0`] = initial[i];
    const wanted = byHand(
      exposed,
      params,
      given,
      initial.map((state) => Array.from(state)),
    );
    for (let i = 0; i < 2; i++) {
      const outputs = await net.forward(given);
      near(outputs["y"], wanted.y);
      for (const [j, state] of STATES[kind].entries()) near(outputs[`${state}T`], wanted.states[j]);
    }
    const seed = values(stream, T * N * H);
    const seeds = Object.fromEntries(STATES[kind].map((state) => [`${state}T`, values(stream, N * H)]));
    const alone = await net.backward({ y: seed });
    const both = await net.backward({ y: seed, ...seeds });
    expect(both.params["l"]).toEqual(alone.params["l"]);
    expect(alone.params["l"].some((gradient) => gradient.some((x) => x !== 0))).toBe(true);
    for (const state of STATES[kind])
      expect((await net.readDiff(`${state}0`)).every((x) => x === 0)).toBe(true);
    await net.close();
  });

  it("what is carried is no parameter", async () => {
    const lowered = lowerText(textOf(setting));
    const carried = lowered.params.filter((param) => param.kind === "carried");
    expect(carried.map(({ shape }) => shape)).toEqual(STATES[kind].map(() => [1, N, H]));
    const gates = kind === "LSTM" ? 4 * H : H;
    expect(lowered.layers.at(-1)!.params.map(({ shape }) => shape)).toEqual([
      [gates, I],
      [gates],
      ...(fixed ? [[gates, S]] : []),
      [gates, H],
      ...(kind === "RNN" ? [[H, H], [H]] : []),
    ]);
  });

  it("two nets that share parameters carry each its own", async () => {
    const train = await compile(textOf(setting), { phase: "TRAIN" });
    const test = await compile(textOf(setting), { phase: "TEST", share: train });
    const params = await paramsOf(train);
    const [one, other] = [draw(), draw()];
    await train.forward(one);
    near((await test.forward(other))["y"], byHand(setting, params, other, zeros(kind)).y);
    const { states } = byHand(setting, params, one, zeros(kind));
    near((await train.forward(other))["y"], byHand(setting, params, other, states).y);
    await test.close();
    await train.close();
  });
});

it("LSTMUnit is one step: with cont 0 the cell before is not seen", async () => {
  const net = await compile(
    `${input("c0", 1, 2, 1)}${input("x", 1, 2, 4)}${input("cont", 1, 2)}
layer { name: "u" type: "LSTMUnit" bottom: "c0" bottom: "x" bottom: "cont" top: "c" top: "h" }`,
  );
  const [i, f, o, g] = [0.3, -0.4, 0.9, 1.2];
  const x = Float32Array.of(i, f, o, g, i, f, o, g);
  const { c, h } = await net.forward({ c0: Float32Array.of(0.7, 0.7), x, cont: Float32Array.of(1, 0) });
  const fresh = sigmoid(i) * Math.tanh(g);
  const cells = [fresh + sigmoid(f) * 0.7, fresh];
  near(c, cells);
  near(
    h,
    cells.map((cell) => sigmoid(o) * Math.tanh(cell)),
  );
  await net.close();
});

describe("what a user reads", () => {
  const X = input("x", 3, 2, 5);
  const FLAGS = input("cont", 3, 2);
  const of = (rest: string, type = "LSTM"): string => `layer { name: "l" type: "${type}" ${rest} }`;
  const both = `bottom: "x" bottom: "cont"`;
  const four = "recurrent_param { num_output: 4 }";
  const exposed = "recurrent_param { num_output: 4 expose_hidden: true }";
  const CASES: readonly (readonly [what: string, text: string, message: string | RegExp, at: string])[] = [
    ["no num_output", X + FLAGS + of(`${both} top: "y"`), "num_output must be given, and positive", '"l"'],
    [
      "num_output 0",
      X + FLAGS + of(`${both} top: "y" recurrent_param { num_output: 0 }`, "RNN"),
      "num_output must be given, and positive",
      "0",
    ],
    [
      "a second axis missing",
      input("x", 3, 2) + FLAGS + of(`${both} top: "y" ${four}`),
      "the first bottom must have the axes steps × streams × values …, and has the shape 3×2",
      '"l"',
    ],
    [
      "cont of another shape",
      X + input("cont", 2, 3) + of(`${both} top: "y" ${four}`),
      "cont, the second bottom, must have the shape 3×2, and has 2×3",
      '"l"',
    ],
    [
      "a static input for other streams",
      X + FLAGS + input("s", 3, 4) + of(`${both} bottom: "s" top: "y" ${four}`),
      "the static input, the third bottom, must have the axes streams × values …, for 2 streams, and has the shape 3×4",
      '"l"',
    ],
    [
      "a bottom too many",
      X + FLAGS + of(`${both} bottom: "x" bottom: "x" top: "y" ${four}`),
      "without expose_hidden it takes 2 or 3 bottom blobs, and has 4",
      '"x"',
    ],
    [
      "no hidden states given",
      X + FLAGS + of(`${both} top: "y" top: "h" top: "c" ${exposed}`),
      "with expose_hidden it takes 4 or 5 bottom blobs, and has 2",
      '"cont"',
    ],
    [
      "a hidden state of another shape",
      X + FLAGS + input("h", 1, 2, 3) + of(`${both} bottom: "h" top: "y" top: "hT" ${exposed}`, "RNN"),
      "the hidden state in bottom 3 must have the shape 1×2×4, and has 1×2×3",
      '"l"',
    ],
    [
      "a top too few",
      X + FLAGS + input("h", 1, 2, 4) + of(`${both} bottom: "h" bottom: "h" top: "y" top: "hT" ${exposed}`),
      "with expose_hidden it makes 3 top blobs, and has 2",
      '"hT"',
    ],
    [
      "hidden states that are not exposed",
      X + FLAGS + of(`${both} top: "y" top: "hT" ${four}`),
      "without expose_hidden it makes 1 top blob, and has 2",
      '"hT"',
    ],
    [
      "a blob of weights too large",
      X + FLAGS + of(`${both} top: "y" recurrent_param { num_output: 600000000 }`),
      /^what it carries would have the shape|^parameter 0 would have the shape 2400000000×5/,
      '"l"',
    ],
    [
      "the abstract type",
      X + FLAGS + of(`${both} top: "y"`, "Recurrent"),
      /^Recurrent is only what/,
      '"Recurrent"',
    ],
    [
      "a unit's cell with steps",
      X + of(`bottom: "x" bottom: "x" bottom: "x" top: "c" top: "h"`, "LSTMUnit"),
      "the cell, the first bottom, must have the shape 1 × streams × values, and has 3×2×5",
      '"l"',
    ],
    [
      "a unit's gates of another size",
      input("c0", 1, 2, 3) + of(`bottom: "c0" bottom: "c0" bottom: "c0" top: "c" top: "h"`, "LSTMUnit"),
      "the gates' sums, the second bottom, must have the shape 1×2×12 for a cell of 1×2×3, and has 1×2×3",
      '"l"',
    ],
    [
      "a unit's cont with an axis too many",
      input("c0", 1, 2, 3) +
        input("x", 1, 2, 12) +
        of(`bottom: "c0" bottom: "x" bottom: "c0" top: "c" top: "h"`, "LSTMUnit"),
      "cont, the third bottom, must have the shape 1×2 for a cell of 1×2×3, and has 1×2×3",
      '"l"',
    ],
  ];

  it.each(CASES)("%s", (_, text, message, at) => {
    let found: unknown;
    try {
      lowerText(text);
    } catch (error) {
      found = error;
    }
    if (!(found instanceof CortadoError)) throw new Error("the net was taken");
    expect(found.diagnostics).toHaveLength(1);
    const [{ message: said, span }] = found.diagnostics;
    const rest = said.slice(said.indexOf("): ") + 3);
    if (typeof message === "string") expect(rest).toBe(message);
    else expect(rest).toMatch(message);
    expect(span?.source.text.slice(span.start, span.end)).toBe(at);
  });
});
