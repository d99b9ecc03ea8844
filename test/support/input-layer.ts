/** An Input layer as prototxt. */
export const inputLayer = (name: string, ...shape: readonly number[]): string =>
  `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${shape.map((dim) => `dim: ${dim}`).join(" ")} } } }\n`;
