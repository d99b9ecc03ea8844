import { describe, expect, it } from "vitest";
import { type CompileOptions, CortadoError, compareNets, compile } from "../../src/index.js";

const NET = `
layer { name: "in" type: "Input" top: "x" top: "label" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "b" bottom: "label" top: "loss" }
`;

const open = (text: string = NET, options: CompileOptions = {}) =>
  compile(text, { target: "ts", keep: "all", phase: "TRAIN", ...options });

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CortadoError);
  return (error as CortadoError).message;
}

describe("compareNets", () => {
  it("finds nothing between equals", async () => {
    const [a, b] = [await open(), await open()];
    const { blobs, first, onlyIn } = await compareNets(a, b, undefined, { bound: 0, backward: true });
    expect(first).toBeUndefined();
    expect(onlyIn).toEqual([[], []]);
    expect(blobs.map(({ pass, name }) => `${pass} ${name}`)).toEqual([
      "forward x",
      "forward label",
      "forward a",
      "forward b",
      "forward loss",
      "backward loss",
      "backward b[0]",
      "backward b[1]",
      "backward b",
      "backward a",
      "backward a[0]",
      "backward a[1]",
      "backward x",
      "backward label",
    ]);
  });

  it("finds the first blob that another weight changes, and the element", async () => {
    const [a, b] = [await open(), await open()];
    const weights = await b.params["b"][0].read();
    for (let i = 4; i < 8; i++) weights[i] += 0.5;
    await b.params["b"][0].write(weights);
    const x = Float32Array.of(1, -2, 1, 2, 2, -1);
    const { first, blobs } = await compareNets(a, b, { x, label: Float32Array.of(0, 1) });
    expect(first).toMatchObject({ pass: "forward", name: "b", layer: "b" });
    expect(blobs.find(({ name }) => name === "a")).toMatchObject({ relative: 0, differs: false });
    const { index, values } = first!;
    expect(index % 3).toBe(1);
    expect(values[0]).not.toBe(values[1]);
  });

  it("measures by the larger of the two, whichever net it is, and calls equal what is within the bound", async () => {
    const text = `layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }
      layer { name: "y" type: "Power" bottom: "x" top: "y" power_param { scale: 1 } }`;
    const [one, three] = [await open(text), await open(text.replace("scale: 1", "scale: 4"))];
    const x = Float32Array.of(3, -4);
    const apart = { name: "y", relative: 0.75, index: 1, differs: true };
    expect((await compareNets(one, three, { x })).first).toMatchObject({ ...apart, values: [-4, -16] });
    expect((await compareNets(three, one, { x })).first).toMatchObject({ ...apart, values: [-16, -4] });
    expect((await compareNets(one, three, { x }, { bound: 0.75 })).first).toBeUndefined();
    expect((await compareNets(one, three, { x }, { bound: 0.7499 })).first).toMatchObject(apart);
    // Of what is zero in one net all is different.
    const none = await open(text.replace("scale: 1", "scale: 0"));
    expect((await compareNets(none, one, { x })).first).toMatchObject({ ...apart, relative: 1 });
  });

  it("counts what is not finite in one net only as different", async () => {
    const [a, b] = [await open(), await open()];
    const bias = Float32Array.of(0, Number.NaN, 0);
    await b.params["b"][1].write(bias);
    expect((await compareNets(a, b)).first).toMatchObject({
      name: "b",
      relative: Number.POSITIVE_INFINITY,
      index: 1,
    });
    await a.params["b"][1].write(bias);
    expect((await compareNets(a, b)).first).toBeUndefined();
  });

  it("compares nets that share some blobs", async () => {
    const other = NET.replace(
      'bottom: "b" bottom: "label" top: "loss"',
      'bottom: "b" bottom: "label" top: "cost"',
    );
    const { first, onlyIn } = await compareNets(await open(), await open(other));
    expect([first, onlyIn]).toEqual([undefined, [["loss"], ["cost"]]]);
  });

  it("starts from the outputs where there is no loss", async () => {
    const text = `force_backward: true ${NET.slice(0, NET.lastIndexOf("layer"))}`;
    const { blobs, first } = await compareNets(await open(text), await open(text), undefined, {
      backward: true,
    });
    expect(first).toBeUndefined();
    expect(blobs.some(({ pass, name }) => pass === "backward" && name === "x")).toBe(true);
  });

  it("refuses nets that do not fit each other", async () => {
    const a = await open();
    expect(await refusal(compareNets(a, await open(NET, { keep: [] })))).toContain(
      "the second net does not keep all the blobs",
    );
    expect(
      await refusal(compareNets(a, await open(NET.replace("num_output: 4", "num_output: 6")))),
    ).toContain('blob "a" has shape 2×4 in one net and 2×6 in the other');
    const strange = 'layer { name: "q" type: "Input" top: "q" input_param { shape { dim: 1 } } }';
    expect(await refusal(compareNets(a, await open(strange)))).toContain("no blob of the same name");
    expect(await refusal(compareNets(a, a, { x: Float32Array.of(1) }))).toContain('"x" has shape 2×3');
    expect(await refusal(compareNets(a, a, undefined, { bound: -1 }))).toContain("option bound is -1");
  });
});
