/** Names of a net are data in what is built, and property names in its types. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createMessage } from "../../../proto/index.js";
import { compile } from "../../../src/net/compile.js";
import { formatNet } from "../../../src/net-text/index.js";
import { bits, build, checkUse, inNode, removeFolders, standIn } from "./support.js";

afterAll(removeFolders);

const HOSTILE: readonly string[] = [
  'a"; export const x = 1; //',
  "__proto__",
  "*/ globalThis.pwned = 1; /*",
  `\`\${globalThis.pwned = 1}\``,
  "</script><script>globalThis.pwned = 1</script>",
  "a\nb\u2028c\u2029d",
  "\u202egnp.evil\u202c",
  "#step",
  "blob:data",
  "then\\😀 é",
];

/** A net whose names all come from one. */
function namedNet(name: string): { readonly text: string; readonly layer: string; readonly out: string } {
  const [layer, out] = [`${name}1`, `${name}2`];
  const text = formatNet(
    createMessage("NetParameter", {
      name,
      layer: [
        createMessage("LayerParameter", {
          name,
          type: "Input",
          top: [name],
          input_param: createMessage("InputParameter", {
            shape: [createMessage("BlobShape", { dim: [2, 3] })],
          }),
        }),
        createMessage("LayerParameter", {
          name: layer,
          type: "InnerProduct",
          bottom: [name],
          top: [out],
          inner_product_param: createMessage("InnerProductParameter", {
            num_output: 4,
            weight_filler: createMessage("FillerParameter", { type: "xavier" }),
          }),
        }),
      ],
    }),
  );
  return { text, layer, out };
}

describe("the types of a build", () => {
  it("take the net's own names and shapes, and no others", async () => {
    const folder = await build("examples/lenet/train_test.prototxt", {
      train: true,
      keep: ["conv1"],
      shapes: { data: [8, 1, 28, 28], label: [8] },
    });
    const declarations = await readFile(join(folder, "net.d.ts"), "utf8");
    expect(declarations).toContain("readonly data: Float32Array; /* 8×1×28×28 */");
    const check = (program: string) => checkUse(declarations, program);
    expect(
      check(`
        const data = new Float32Array(8 * 784);
        const label = new Float32Array(8);
        const outputs = await net.forward({ data, label });
        const loss: Float32Array = outputs.loss;
        const eight: 8 = net.shapes.data[0];
        const { params } = await net.backward();
        const gradient: Float32Array = params.conv1[0];
        await net.params.ip2[1].write(gradient);
        const kept: Float32Array = await net.read("conv1");
        const step: number = (await net.step({ data, label }, { rate: 0.1 })).loss;
        const bytes: Uint8Array = await net.save();
        const other = await load({ weights: bytes });
        await load({ weights: { href: "https://example.org/w.safetensors" } });
        await other.close();
        export { loss, eight, kept, step };
      `),
    ).toEqual([]);
    for (const wrong of [
      "await net.forward({ dta: new Float32Array(1), label: new Float32Array(1) });",
      "await net.forward({ data: new Float32Array(1) });",
      "await net.forward({ data: [1], label: new Float32Array(1) });",
      'await net.read("conv2");',
      "(await net.backward()).params.conv9;",
      "net.params.conv1[2];",
      "net.shapes.dta;",
      "await net.step({ data: new Float32Array(1), label: new Float32Array(1) });",
      "await net.step({ data: new Float32Array(1), label: new Float32Array(1) }, { momentum: 1 });",
      "await load({ weight: new Uint8Array(1) });",
    ])
      expect(check(wrong), wrong).toHaveLength(1);
  });

  it("leave out what was not built", async () => {
    const folder = await build("examples/lenet/deploy.prototxt");
    const declarations = await readFile(join(folder, "net.d.ts"), "utf8");
    expect(checkUse(declarations, "await net.forward({ data: new Float32Array(784) });")).toEqual([]);
    expect(checkUse(declarations, "await net.backward();")).toHaveLength(1);
    expect(checkUse(declarations, "await net.step({ data: new Float32Array(784) });")).toHaveLength(1);
  });
});

describe("hostile names stay strings", () => {
  it.each(HOSTILE.map((name) => [JSON.stringify(name), name] as const))("%s", async (_, name) => {
    const { text, layer, out } = namedNet(name);
    const compiled = await compile(text);
    const { [out]: expected } = await compiled.forward(Object.fromEntries([[name, standIn(6)]]));
    await compiled.close();
    const folder = await build(text, { backward: true, keep: [name] });
    const code = JSON.stringify([name, layer, out]);
    const result = await inNode(
      folder,
      `const [name, layer, out] = ${code};
       const module = await import("./net.js");
       const net = await load();
       const outputs = await net.forward(Object.fromEntries([[name, standIn(6)]]));
       const { params } = await net.backward();
       return [
         bits(outputs[out]),
         Object.keys(outputs),
         Object.keys(params),
         Object.keys(net.params),
         Object.keys(net.shapes),
         bits(await net.read(name)),
         Object.keys(module),
         "pwned" in globalThis,
         Object.getPrototypeOf(net.shapes) === null,
       ];`,
    );
    const names = [[out], [layer], [layer], [name, out]];
    expect(result).toEqual([bits(expected), ...names, bits(standIn(6)), ["load"], false, true]);
    const declarations = await readFile(join(folder, "net.d.ts"), "utf8");
    const use = `
      const outputs = await net.forward({ [${JSON.stringify(name)}]: new Float32Array(6) });
      const values: Float32Array = outputs[${JSON.stringify(out)}];
      const { length } = net.params[${JSON.stringify(layer)}];
      export { values, length };`;
    expect(checkUse(declarations, use)).toEqual([]);
    // Nothing but `load` is there to import.
    expect(checkUse(declarations, 'import { x } from "./net.js"; export { x };')).toHaveLength(1);
  });
});
