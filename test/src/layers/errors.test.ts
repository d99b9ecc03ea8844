/** What a user reads when a layer cannot be built: the message, its place, the shapes and who made them. */
import { describe, expect, it } from "vitest";
import {
  CortadoError,
  createDiagnostics,
  formatDiagnostic,
  lineAndColumn,
} from "../../../proto/errors/index.js";
import { lowerNet } from "../../../src/layers/lower-net.js";
import { parseNet, wireNet } from "../../../src/net-text/index.js";
import { lowerText } from "../../support/lowered.js";

const DATA = `layer { name: "data" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 5 } } }\n`;
const OTHER = `layer { name: "other" type: "Input" top: "z" input_param { shape { dim: 2 dim: 4 dim: 5 dim: 6 } } }\n`;

/** The mistakes of a net whose first line is DATA. */
function mistakes(text: string): CortadoError["diagnostics"] {
  try {
    lowerText(DATA + text);
  } catch (error) {
    if (error instanceof CortadoError) return error.diagnostics;
    throw error;
  }
  return [];
}

/** Each: what it is about, the net, the message, and the text under the caret. */
const CASES: readonly (readonly [about: string, text: string, message: string, caret: string])[] = [
  [
    "no bottom",
    `layer { name: "c" type: "Convolution" top: "y" convolution_param { num_output: 2 kernel_size: 3 } }`,
    `layer "c" (Convolution): it takes at least 1 bottom blob, and has 0`,
    `"c"`,
  ],
  [
    "one bottom too many",
    `layer { name: "s" type: "Softmax" bottom: "x" bottom: "x" top: "y" }`,
    `layer "s" (Softmax): it takes 1 bottom blob, and has 2`,
    `"x"`,
  ],
  [
    "a kernel larger than the input",
    `layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 2 kernel_size: 7 } }`,
    `layer "c" (Convolution): the kernel covers 7 positions, and the input has 5`,
    `7`,
  ],
  [
    "a pooling kernel larger than the input",
    `layer { name: "p" type: "Pooling" bottom: "x" top: "y" pooling_param { kernel_size: 8 } }`,
    `layer "p" (Pooling): a kernel of 8 does not fit into 5 positions with pad 0`,
    `8`,
  ],
  [
    "groups that do not divide the channels",
    `layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 3 group: 2 } }`,
    `layer "c" (Convolution): 3 channels cannot be divided into 2 groups`,
    `2`,
  ],
  [
    "groups that do not divide the outputs",
    `layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 3 group: 3 } }`,
    `layer "c" (Convolution): num_output 4 cannot be divided into 3 groups`,
    `3`,
  ],
  [
    "a kernel of 0",
    `layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 4 kernel_size: 0 } }`,
    `layer "c" (Convolution): kernel_size must be at least 1, not 0`,
    `0`,
  ],
  [
    "no num_output",
    `layer { name: "c" type: "InnerProduct" bottom: "x" top: "y" }`,
    `layer "c" (InnerProduct): num_output must be given, and positive`,
    `"c"`,
  ],
  [
    "an axis that is not there",
    `layer { name: "s" type: "Softmax" bottom: "x" top: "y" softmax_param { axis: -5 } }`,
    `layer "s" (Softmax): there is no axis -5 in a bottom of shape 2×3×5×5: it can be -4 to 3`,
    `-5`,
  ],
  [
    "shapes that Concat cannot join",
    `${OTHER}layer { name: "k" type: "Concat" bottom: "x" bottom: "z" top: "y" }`,
    `layer "k" (Concat): bottoms can differ along axis 1 only, and their shapes are 2×3×5×5 and 2×4×5×6`,
    `"k"`,
  ],
  [
    "shapes that Eltwise cannot combine",
    `${OTHER}layer { name: "e" type: "Eltwise" bottom: "x" bottom: "z" top: "y" }`,
    `layer "e" (Eltwise): bottoms must have one shape, and theirs are 2×3×5×5 and 2×4×5×6`,
    `"e"`,
  ],
  [
    "a shared parameter of another shape",
    `layer { name: "a" type: "InnerProduct" bottom: "x" top: "y" param { name: "w" } inner_product_param { num_output: 4 } }
layer { name: "b" type: "InnerProduct" bottom: "y" top: "z" param { name: "w" } inner_product_param { num_output: 4 } }`,
    `layer "b" (InnerProduct): parameter "w" has shape 4×4 here, and 4×75 in layer "a", with which it is shared`,
    `"w"`,
  ],
  [
    "a shared parameter with another lr_mult",
    `layer { name: "a" type: "InnerProduct" bottom: "x" top: "y" param { name: "w" lr_mult: 2 } inner_product_param { num_output: 4 } }
layer { name: "b" type: "InnerProduct" bottom: "x" top: "z" param { name: "w" lr_mult: 3 } inner_product_param { num_output: 4 } }`,
    `layer "b" (InnerProduct): parameter "w" has lr_mult 3 here and 2 in layer "a", with which it is shared`,
    `3`,
  ],
  [
    "more param specs than parameters",
    `layer { name: "r" type: "ReLU" bottom: "x" top: "y" param { lr_mult: 1 } }`,
    `layer "r" (ReLU): param is given once, and the layer has no parameter blobs`,
    `{ lr_mult: 1 }`,
  ],
  [
    "labels that do not fit",
    `layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "x" top: "y" }`,
    `layer "l" (SoftmaxWithLoss): scores of shape 2×3×5×5 with classes along axis 1 need 50 labels, and the labels have the shape 2×3×5×5`,
    `"l"`,
  ],
  [
    "an input without a shape",
    `layer { name: "i" type: "Input" top: "i" }`,
    `layer "i" (Input): blob "i" has no shape: give it here, or to compile as shapes`,
    `"i"`,
  ],
  [
    "a blob that is too large",
    `layer { name: "i" type: "Input" top: "i" input_param { shape { dim: 100000 dim: 100000 } } }`,
    `layer "i" (Input): "i" would have the shape 100000×100000: more than 2147483647 values`,
    `{ dim: 100000 dim: 100000 }`,
  ],
  [
    "a type that nobody has",
    `layer { name: "l" type: "Convolutoin" bottom: "x" top: "y" }`,
    `layer "l": there is no layer type "Convolutoin"`,
    `"Convolutoin"`,
  ],
];

describe("what a user reads", () => {
  it.each(CASES)("%s", (_, text, message, caret) => {
    const found = mistakes(text);
    expect(found.map((mistake) => mistake.message)).toEqual([message]);
    const { span } = found[0];
    expect(span?.source.text.slice(span.start, span.end)).toBe(caret);
  });

  it("names the bottoms' shapes and makers", () => {
    const [mistake] = mistakes(
      `${OTHER}layer { name: "e" type: "Eltwise" bottom: "x" bottom: "z" top: "y" }`,
    );
    expect(mistake.related?.map(({ message }) => message)).toEqual([
      `bottom "x" has shape 2×3×5×5, made by layer "data" (Input)`,
      `bottom "z" has shape 2×4×5×6, made by layer "other" (Input)`,
    ]);
    const { span } = mistake.related![1];
    expect(lineAndColumn(span!.source, span!.start)).toEqual({ line: 2, column: 42 });
    expect(formatDiagnostic(mistake)).toContain("^^^");
  });

  it("suggests the type that was meant", () => {
    expect(mistakes(`layer { name: "l" type: "Sigmod" bottom: "x" top: "y" }`)[0].hint).toBe(
      `did you mean "Sigmoid"?`,
    );
  });

  it("reports every mistake once, and nothing that follows from another", () => {
    const found = mistakes(`
layer { name: "a" type: "Convolution" bottom: "x" top: "a" convolution_param { kernel_size: 3 } }
layer { name: "b" type: "ReLU" bottom: "a" top: "a" }
layer { name: "c" type: "Pooling" bottom: "a" top: "c" pooling_param { kernel_size: 2 } }
layer { name: "d" type: "Pooling" bottom: "x" top: "d" pooling_param { kernel_size: 9 } }
layer { name: "e" type: "Softmax" bottom: "c" bottom: "d" top: "e" }
layer { name: "f" type: "Relu" bottom: "d" top: "f" }
`);
    expect(found.map(({ message }) => /^layer "(.)"/.exec(message)?.[1])).toEqual(["a", "d", "e", "f"]);
  });

  it("refuses shapes for blobs that are no inputs", () => {
    const diagnostics = createDiagnostics();
    const net = parseNet(DATA);
    const options = {
      phase: "TEST",
      shapes: { y: [1], __proto__: [2] },
      feedShapes: new Map(),
      diagnostics,
    } as const;
    lowerNet(net, wireNet(net, diagnostics), options);
    expect(diagnostics.all.map(({ message }) => message)).toEqual([`shapes: the net has no input blob "y"`]);
  });
});
