/** One layer of a fork's type over inputs, as text and as computed. */

import { extras } from "../../../src/layers/index.js";
import { compile } from "../../../src/net/compile.js";
import type { CompileOptions } from "../../../src/net/compile-options.js";

export interface Given {
  readonly layer: string;
  readonly shapes: readonly (readonly number[])[];
  readonly data?: readonly (readonly number[])[];
}

/** 1, 2, 3 … */
export const counting = (shape: readonly number[]): readonly number[] =>
  Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1);

export const textOf = ({ layer, shapes }: Given): string => {
  const inputs = shapes.map(
    (shape, i) =>
      `layer { name: "x${i}" type: "Input" top: "x${i}" input_param { shape { ${shape.map((dim) => `dim: ${dim}`).join(" ")} } } }`,
  );
  const bottoms = shapes.map((_, i) => `bottom: "x${i}"`).join(" ");
  return `${inputs.join("\n")}\nlayer { name: "layer" top: "y" ${bottoms} ${layer} }`;
};

export async function outputOf(given: Given, target: CompileOptions["target"] = "ts") {
  const net = await compile(textOf(given), { layers: extras, target });
  const inputs = Object.fromEntries(
    given.shapes.map((shape, i) => [`x${i}`, Float32Array.from(given.data?.[i] ?? counting(shape))]),
  );
  const { y } = await net.forward(inputs);
  const { shape } = net.blobs["y"];
  await net.close();
  return { values: [...y], shape };
}
