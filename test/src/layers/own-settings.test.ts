/** Layer types with settings of their own: declared in TypeScript, parsed from a prototxt with places and errors. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { CortadoError, type Diagnostic } from "../../../proto/errors/index.js";
import { createMessageOf } from "../../../proto/index.js";
import { checkGradients } from "../../../src/check-gradients.js";
import {
  createSolver,
  defineLayer,
  elementwise,
  formatNet,
  type LayerType,
  parseNet,
  parseSolver,
  compile as publicCompile,
  scalar,
} from "../../../src/index.js";
import { schemaWith } from "../../../src/layers/index.js";
import { compile } from "../../../src/net/compile.js";

const { arg, constant, mul, unary } = scalar;

const swishBeta = elementwise({
  type: "SwishBeta",
  param: { name: "swish_beta_param", fields: { beta: { type: "float", default: 1 } } },
  summary: "Swish with a factor.",
  equation: "y = x · sigmoid(beta · x)",
  apply: (x, { beta }) => mul(x, unary("sigmoid", mul(constant(beta), x))),
  refuse: ({ beta }) => (beta > 10 ? [`beta must be at most 10, not ${beta}`, "beta"] : undefined),
  settings: (draw) => ({ swish_beta_param: { beta: draw.of([0.5, 2]) } }),
});

/** Every kind of field; `lower` keeps what it was given. */
let seen: unknown;
const everyKind = defineLayer({
  type: "EveryKind",
  param: {
    name: "every_kind_param",
    fields: {
      real: { type: "float", default: 0.5 },
      whole: { type: "int32" },
      count: { type: "uint32", default: 3 },
      flag: { type: "bool", default: true },
      label: { type: "string", default: "none" },
      mode: { type: "enum", values: ["FAST", "EXACT"] },
      sizes: { type: "uint32", repeated: true },
      modes: { type: "enum", values: ["A", "B"], repeated: true },
      inner: { type: "message", fields: { depth: { type: "int32", default: 7 }, tag: { type: "string" } } },
      inners: { type: "message", fields: { depth: { type: "int32" } }, repeated: true },
      filler: { type: "FillerParameter" },
    },
  },
  summary: "Takes every kind of setting.",
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], parameter, fail }) {
    expectTypeOf(parameter.real).toEqualTypeOf<number>();
    expectTypeOf(parameter.flag).toEqualTypeOf<boolean>();
    expectTypeOf(parameter.label).toEqualTypeOf<string>();
    expectTypeOf(parameter.mode).toEqualTypeOf<"FAST" | "EXACT">();
    expectTypeOf(parameter.sizes).toEqualTypeOf<readonly number[]>();
    expectTypeOf(parameter.modes).toEqualTypeOf<readonly ("A" | "B")[]>();
    expectTypeOf(parameter.inners).toEqualTypeOf<readonly { readonly depth: number }[]>();
    expectTypeOf(parameter.inner?.tag).toEqualTypeOf<string | undefined>();
    expectTypeOf(parameter.filler?.std).toEqualTypeOf<number | undefined>();
    // @ts-expect-error: there is no such field
    void parameter.other;
    if (parameter.sizes.includes(13)) fail("13 is no size", "sizes", { index: parameter.sizes.indexOf(13) });
    seen = parameter;
    return [builder.map(mul(constant(parameter.real), arg(0)), [x], x.shape)];
  },
});

const net = (layer: string): string =>
  `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 } } }\nlayer { name: "own" bottom: "x" top: "y" ${layer} }\n`;

async function valuesOf(text: string, layers: readonly LayerType[]): Promise<readonly number[]> {
  const compiled = await compile(text, { layers });
  const { y } = await compiled.forward({ x: Float32Array.of(1, -2) });
  await compiled.close();
  return [...y];
}

async function mistakesOf(text: string, layers: readonly LayerType[]): Promise<readonly Diagnostic[]> {
  try {
    await (await compile(text, { layers })).close();
  } catch (error) {
    if (error instanceof CortadoError) return error.diagnostics;
    throw error;
  }
  return [];
}

const placeOf = ({ span }: Diagnostic): string | undefined => span?.source.text.slice(span.start, span.end);

const swish = (x: number, beta: number): number => x / (1 + Math.exp(-beta * x));

describe("settings of one's own", () => {
  it("are what the file says, or their defaults", async () => {
    const given = await valuesOf(net('type: "SwishBeta" swish_beta_param { beta: 2 }'), [swishBeta]);
    for (const [i, x] of [1, -2].entries()) expect(given[i]).toBeCloseTo(swish(x, 2), 6);
    const missing = await valuesOf(net('type: "SwishBeta"'), [swishBeta]);
    for (const [i, x] of [1, -2].entries()) expect(missing[i]).toBeCloseTo(swish(x, 1), 6);
  });

  it("can be of every kind", async () => {
    await valuesOf(
      net(`type: "EveryKind" every_kind_param {
        real: 2 whole: -4 count: 9 flag: false label: "a" mode: EXACT sizes: [1, 2] sizes: 3 modes: B modes: A
        inner { tag: "t" } inners { depth: 1 } inners < depth: 2 > filler { type: "gaussian" std: 0.5 }
      }`),
      [everyKind],
    );
    expect(seen).toMatchObject({
      real: 2,
      whole: -4,
      count: 9,
      flag: false,
      label: "a",
      mode: "EXACT",
      sizes: [1, 2, 3],
      modes: ["B", "A"],
      inner: { depth: 7, tag: "t" },
      inners: [{ depth: 1 }, { depth: 2 }],
      filler: { type: "gaussian", std: 0.5, mean: 0 },
    });
    await valuesOf(net('type: "EveryKind"'), [everyKind]);
    expect(seen).toMatchObject({ real: 0.5, whole: 0, count: 3, flag: true, label: "none", mode: "FAST" });
    expect(seen).toMatchObject({ sizes: [], modes: [], inners: [], inner: undefined, filler: undefined });
  });

  it("have their mistakes reported all at once, each at its place", async () => {
    const found = await mistakesOf(
      net(`type: "EveryKind" every_kind_param {
        reel: 1 whole: 1.5 count: -1 flag: 3 label: word mode: SLOW real: 1 real: 2 inner { dept: 1 }
      }`),
      [everyKind],
    );
    expect(found.map(({ message, hint }) => `${message}${hint ? `; ${hint}` : ""}`)).toEqual([
      'layer "own" (EveryKind), every_kind_param: unknown field "reel"; did you mean "real"?',
      expect.stringMatching(/whole takes a whole number, not "1.5"/),
      expect.stringMatching(/count/),
      expect.stringMatching(/flag takes true or false, not "3"/),
      expect.stringMatching(/label takes a string in quotes, not "word"; write it in quotes/),
      expect.stringMatching(/mode takes one of FAST or EXACT|mode/),
      expect.stringMatching(/real is given twice/),
      'layer "own" (EveryKind), every_kind_param, inner: unknown field "dept"; did you mean "depth"?',
    ]);
    expect(placeOf(found[0])).toBe("reel");
    expect(placeOf(found[7])).toBe("dept");
  });

  it("let the definition point at a field, and at one of its values", async () => {
    const [beta] = await mistakesOf(net('type: "SwishBeta" swish_beta_param { beta: 11 }'), [swishBeta]);
    expect(beta.message).toBe('layer "own" (SwishBeta): beta must be at most 10, not 11');
    expect(placeOf(beta)).toBe("11");
    const [size] = await mistakesOf(net('type: "EveryKind" every_kind_param { sizes: [5, 13] }'), [
      everyKind,
    ]);
    expect(placeOf(size)).toBe("13");
  });

  it("have fillers that are checked", async () => {
    const text = net('type: "EveryKind" every_kind_param { filler { type: "gausian" } }');
    const found = await mistakesOf(text, [everyKind]);
    expect(found).toHaveLength(1);
    expect(placeOf(found[0])).toBe('"gausian"');
  });

  it("are an error without the layer type, which says how to get it", async () => {
    const found = await mistakesOf(net('type: "SwishBeta" swish_beta_param { beta: 2 }'), []);
    expect(found.map(placeOf)).toEqual(['"SwishBeta"']);
    expect(found[0].hint).toMatch(/no such type.*defineLayer.*docs\/OWN-LAYERS\.md/);
  });

  it("are found beside mistakes elsewhere in the text", async () => {
    const text = `${net('type: "SwishBeta" swish_beta_param { beta: 11 }')}\nlayer { nam: "z" type: "ReLU" bottom: "y" top: "z" }`;
    const found = await mistakesOf(text, [swishBeta]);
    expect(found.map(placeOf)).toEqual(["nam", "11"]);
  });

  it("are written as they were read", () => {
    const text = net(
      'type: "EveryKind" every_kind_param { real: 2 mode: EXACT sizes: 1 sizes: 2 inner { depth: 3 } label: "q\\"" }',
    );
    const once = formatNet(parseNet(text, { layers: [everyKind] }).net);
    expect(once).toContain(
      '  every_kind_param {\n    real: 2\n    label: "q\\""\n    mode: EXACT\n    sizes: 1\n    sizes: 2\n    inner {\n      depth: 3\n    }\n  }\n',
    );
    expect(formatNet(parseNet(once, { layers: [everyKind] }).net)).toBe(once);
  });

  it("reach a net that was parsed before, with them or without", async () => {
    const parsed = parseNet(net('type: "SwishBeta" swish_beta_param { beta: 3 }'), { layers: [swishBeta] });
    const compiled = await publicCompile(parsed, { layers: [swishBeta] });
    const { y } = await compiled.forward({ x: Float32Array.of(1, 1) });
    expect(y[0]).toBeCloseTo(swish(1, 3), 6);
    await compiled.close();
    const plain = await publicCompile(parseNet(net('type: "SwishBeta"')), { layers: [swishBeta] });
    expect((await plain.forward({ x: Float32Array.of(1, 1) }))["y"][0]).toBeCloseTo(swish(1, 1), 6);
    await plain.close();
  });

  it("stand in the nets of a solver too", async () => {
    const text = `net_param {
      layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
      layer { name: "own" type: "SwishBeta" bottom: "ip" top: "y" swish_beta_param { beta: 2 } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" }
    }
    base_lr: 0.1 lr_policy: "fixed" max_iter: 2`;
    expect(() => parseSolver(text)).toThrow(/swish_beta_param/);
    const definition = parseSolver(text, { layers: [swishBeta] });
    const batch = { x: new Float32Array(6).fill(1), t: new Float32Array(6) };
    for (const solver of [text, definition]) {
      const losses: number[] = [];
      const training = await createSolver(solver, {
        layers: [swishBeta],
        inputs: () => batch,
        onProgress: ({ loss }) => losses.push(loss),
      });
      await training.solve();
      await training.close();
      expect(losses).toHaveLength(2);
      expect(losses[1]).toBeLessThan(losses[0]);
    }
  });

  it("come with the gradient check", async () => {
    const { failures, checked } = await checkGradients(swishBeta, { runs: 20 });
    expect([failures.length, checked]).toEqual([0, 20]);
  });

  it("of a type that takes the place of one of Caffe's", async () => {
    const own = elementwise({
      type: "ReLU",
      param: { name: "own_relu_param", fields: { factor: { type: "float", default: 10 } } },
      summary: "Another one.",
      equation: "y = factor · x",
      apply: (x, { factor }) => mul(constant(factor), x),
    });
    expect(await valuesOf(net('type: "ReLU"'), [own])).toEqual([10, -20]);
  });
});

describe("a declaration that no prototxt could follow is refused", () => {
  const layer = (param: object): LayerType =>
    defineLayer({
      type: "Odd",
      param: param as never,
      summary: "",
      bottoms: { exact: 1 },
      tops: { exact: 1 },
      lower: ({ bottoms }) => bottoms,
    });
  it.each([
    [{ name: "odd", fields: {} }, /cannot be called "odd"/],
    [{ name: "relu_param", fields: {} }, /relu_param is a field that Caffe has/],
    [{ name: "odd_param", fields: { "a-b": { type: "float" } } }, /cannot be called "a-b"/],
    [{ name: "odd_param", fields: { a: { type: "flaot" } } }, /no type "flaot"[\s\S]*did you mean "float"/],
    [{ name: "odd_param", fields: { a: { type: "FooParameter" } } }, /no type "FooParameter"/],
    [
      { name: "odd_param", fields: { a: { type: "int32", default: 0.5 } } },
      /default "0.5" is no value of type int32/,
    ],
    [{ name: "odd_param", fields: { a: { type: "uint32", default: -1 } } }, /default "-1"/],
    [{ name: "odd_param", fields: { a: { type: "bool", default: "yes" } } }, /default "yes"/],
    [{ name: "odd_param", fields: { a: { type: "enum", values: ["A"], default: "B" } } }, /default "B"/],
    [{ name: "odd_param", fields: { a: { type: "enum", values: [] } } }, /an enum needs values/],
    [
      { name: "odd_param", fields: { a: { type: "float", repeated: true, default: 1 } } },
      /repeated field has no default/,
    ],
    [{ name: "odd_param", fields: { a: { type: "float", number: 0 } } }, /0 is no field number/],
    [
      { name: "odd_param", fields: { a: { type: "float", number: 2 }, b: { type: "float", number: 2 } } },
      /two fields have the number 2/,
    ],
  ])("%j", (param, message) => {
    expect(() => layer(param)).toThrow(CortadoError);
    expect(() => layer(param)).toThrow(message);
  });

  it("two layer types that declare one field", async () => {
    const [first, second] = ["First", "Second"].map((type) =>
      elementwise({
        type,
        param: { name: "shared_param", fields: { a: { type: "float" } } },
        summary: "",
        equation: "",
        apply: (x) => x,
      }),
    );
    const found = await mistakesOf(net('type: "First"'), [first, second]);
    expect(found[0].message).toMatch(/First and Second both declare shared_param/);
    // Of two types of one name the later one counts, so that the other's field is not there.
    const again = { ...second, type: "First" };
    expect(await valuesOf(net('type: "First" shared_param { a: 1 }'), [first, again])).toEqual([1, -2]);
  });

  it("share a declaration that is one value", async () => {
    const param = { name: "common_param", fields: { a: { type: "float", default: 3 } } } as const;
    const types = ["First", "Second"].map((type) =>
      elementwise({ type, param, summary: "", equation: "", apply: (x, { a }) => mul(constant(a), x) }),
    );
    expect(await valuesOf(net('type: "Second" common_param { a: 2 }'), types)).toEqual([2, -4]);
  });

  it("a number that another field has", () => {
    const type = elementwise({
      type: "Taken",
      param: { name: "taken_param", number: 123, fields: {} },
      summary: "",
      equation: "",
      apply: (x) => x,
    });
    expect(() => schemaWith([type])).toThrow(/the number 123, which is relu_param's/);
  });

  it.each([[{}], [[{}]], [[swishBeta, undefined]], ["extras"]])("layers: %j", async (layers) => {
    const found = await mistakesOf(net('type: "ReLU"'), layers as never);
    expect(found).toHaveLength(1);
    expect(found[0].message).toMatch(/option layers/);
  });
});

it("the schema itself stays as it is", () => {
  const schema = schemaWith([everyKind]);
  expect(schema("LayerParameter").byName.has("every_kind_param")).toBe(true);
  expect(schemaWith()("LayerParameter").byName.has("every_kind_param")).toBe(false);
  expect(schema("ConvolutionParameter")).toBe(schemaWith()("ConvolutionParameter"));
  expect(() => createMessageOf(schemaWith()("LayerParameter"), { every_kind_param: {} })).toThrow(TypeError);
});
