/** Names that a program might obey, hide, mix up or choke on, and nets that bear them. */
import { createMessage, type LayerParameter } from "../../proto/index.js";
import { formatNet } from "../../src/net-text/index.js";

export const HOSTILE: readonly string[] = [
  '"',
  "'",
  "`",
  "\\",
  "a\nb",
  "a\r\nb",
  `\${globalThis.pwned = 1}`,
  `\`\${globalThis.pwned = 1}\``,
  "*/ globalThis.pwned = 1; /*",
  "*\\/",
  "// x",
  "</script><script>globalThis.pwned = 1</script>",
  '"); globalThis.pwned = 1; ("',
  "a\u2028globalThis.pwned = 1\u2029b",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "then",
  "length",
  "\0",
  "check:0",
  "blob:data",
  "#step",
  "(automatic)",
  "a/b/../c",
  "\ud800",
  "\udc00x",
  "\u202egnp.evil\u202c",
  "\u200f\u00a0\ufeff",
  "😀",
  " ",
  "%s%n$&",
  "x".repeat(10_000),
];

/** A net whose every name comes from `name`: each layer, blob and parameter has another, one of each has just that. */
export function namedNet(
  name: string,
  exact: number,
): { readonly text: string; readonly names: readonly string[] } {
  const names = Array.from({ length: 6 }, (_, i) => (i === exact ? name : `${name}${i}`));
  const [data, label, hidden, scores, loss, other] = names;
  const layer = (fields: Partial<LayerParameter>): LayerParameter => createMessage("LayerParameter", fields);
  const shape = (...dim: readonly number[]) => createMessage("BlobShape", { dim });
  const inputParam = (...dim: readonly number[]) =>
    createMessage("InputParameter", { shape: [shape(...dim)] });
  const filler = createMessage("FillerParameter", { type: "xavier" });
  const param = [createMessage("ParamSpec", { name: data }), createMessage("ParamSpec", { name: hidden })];
  const convolution = createMessage("ConvolutionParameter", {
    num_output: 2,
    kernel_size: [3],
    pad: [1],
    weight_filler: filler,
  });
  const text = formatNet(
    createMessage("NetParameter", {
      name,
      force_backward: true,
      layer: [
        layer({ name: data, type: "Input", top: [data], input_param: inputParam(2, 2, 4, 4) }),
        layer({ name: label, type: "Input", top: [label], input_param: inputParam(2) }),
        layer({
          name: hidden,
          type: "Convolution",
          bottom: [data],
          top: [hidden],
          param,
          convolution_param: convolution,
        }),
        layer({
          name: other,
          type: "ReLU",
          bottom: [hidden],
          top: [hidden],
          include: [createMessage("NetStateRule", { stage: [name] })],
        }),
        // The same parameters again, by name.
        layer({
          name: `${name}6`,
          type: "Convolution",
          bottom: [hidden],
          top: [other],
          param,
          convolution_param: convolution,
        }),
        layer({
          name: scores,
          type: "InnerProduct",
          bottom: [other],
          top: [scores],
          inner_product_param: createMessage("InnerProductParameter", {
            num_output: 3,
            weight_filler: filler,
          }),
        }),
        layer({ name: loss, type: "SoftmaxWithLoss", bottom: [scores, label], top: [loss] }),
      ],
    }),
  );
  return { text, names };
}

/** UTF-8, and so a binary file, cannot hold half of a surrogate pair; a text in memory can. */
export const isWellFormed = (name: string): boolean => Buffer.from(name, "utf8").toString("utf8") === name;

/** What a terminal obeys, hides or draws in another order; `\n` alone may end a line. */
const RAW =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get through
  /[\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u00ad\u061c\u115f\u1160\u1680\u17b4\u17b5\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufeff\uffa0\ufff0-\ufffb]|\u034f|[\u180b-\u180f]|[\ufe00-\ufe0f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/;

/** The first character of a text that no terminal should get, with what is around it; "" where there is none. */
export function rawIn(text: string): string {
  const found = RAW.exec(text);
  return found ? JSON.stringify(text.slice(Math.max(0, found.index - 60), found.index + 60)) : "";
}

/**
 * A net that trains in milliseconds and needs no data, whose every name comes from `name`: of the net, its layers,
 * blobs and parameters. `data`, `hidden`, `label` ... tell which is which.
 */
export function trainableNet(name: string, numOutput = 3) {
  const [data, label, hidden, loss, accuracy] = ["0", "1", "", "3", "4"].map((end) => `${name}${end}`);
  const layer = (fields: Partial<LayerParameter>): LayerParameter => createMessage("LayerParameter", fields);
  const shape = (...dim: readonly number[]) => createMessage("BlobShape", { dim });
  const filler = (type: string, value = 0) => createMessage("FillerParameter", { type, value });
  const text = formatNet(
    createMessage("NetParameter", {
      name,
      layer: [
        layer({
          name: data,
          type: "DummyData",
          top: [data, label],
          dummy_data_param: createMessage("DummyDataParameter", {
            shape: [shape(4, 2), shape(4)],
            data_filler: [filler("gaussian"), filler("constant", 1)],
          }),
        }),
        layer({
          name: hidden,
          type: "InnerProduct",
          bottom: [data],
          top: [hidden],
          param: [createMessage("ParamSpec", { name: hidden }), createMessage("ParamSpec", { name: data })],
          inner_product_param: createMessage("InnerProductParameter", {
            num_output: numOutput,
            weight_filler: filler("xavier"),
          }),
        }),
        layer({ name: `${name}2`, type: "ReLU", bottom: [hidden], top: [hidden] }),
        layer({ name: loss, type: "SoftmaxWithLoss", bottom: [hidden, label], top: [loss] }),
        layer({
          name: accuracy,
          type: "Accuracy",
          bottom: [hidden, label],
          top: [accuracy],
          include: [createMessage("NetStateRule", { phase: "TEST" })],
        }),
      ],
    }),
  );
  return { text, data, label, hidden, loss, accuracy };
}

/** Whether a text inside a value, a name of a property or itself, is such. */
export function holds(value: unknown, is: (text: string) => boolean): boolean {
  if (typeof value === "string") return is(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, inner]) => is(key) || holds(inner, is));
}
