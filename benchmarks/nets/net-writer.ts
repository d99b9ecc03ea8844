/** Writes prototxt of convolutional nets; each call adds a layer and gives the name of its top. */

/** Of both spatial axes. */
export interface WindowOptions {
  readonly stride?: number;
  readonly pad?: number;
}

export interface ConvolutionOptions extends WindowOptions {
  readonly group?: number;
  /** Default true. */
  readonly bias?: boolean;
}

export interface NetWriter {
  conv(name: string, bottom: string, outputs: number, kernel: number, options?: ConvolutionOptions): string;
  innerProduct(name: string, bottom: string, outputs: number): string;
  /** In place. */
  relu(name: string, bottom: string): string;
  pool(name: string, bottom: string, method: "MAX" | "AVE", kernel: number, options?: WindowOptions): string;
  /** Across five channels, alpha 1e-4, beta 0.75. */
  lrn(name: string, bottom: string): string;
  /** In place. */
  dropout(name: string, bottom: string, ratio: number): string;
  /** BatchNorm and Scale with bias, in place. */
  normalize(names: readonly [batchNorm: string, scale: string], bottom: string): string;
  concat(name: string, bottoms: readonly string[]): string;
  sum(name: string, bottoms: readonly string[]): string;
  /** What follows is there in one phase only. */
  only<T>(phase: "TRAIN" | "TEST", layers: () => T): T;
  softmax(name: string, bottom: string): string;
  softmaxLoss(name: string, bottom: string, weight?: number): string;
  text(): string;
}

const message = (fields: Readonly<Record<string, string | number | boolean | undefined>>): string =>
  Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
    .join(" ");

/**
 * A net that starts with blobs `data` of the given shape and, in TRAIN, `label` of its batch. Weights are filled as He et al.
 * (2015) do, so that values stay in range whatever the depth.
 */
export function netWriter(net: string, data: readonly number[]): NetWriter {
  const lines = [`name: "${net}"`];
  let phase = "";
  const layer = (type: string, name: string, bottoms: readonly string[], top: string, rest = ""): string => {
    const blobs = [...bottoms.map((bottom) => `bottom: "${bottom}"`), `top: "${top}"`].join(" ");
    lines.push(`layer { name: "${name}" type: "${type}" ${blobs}${rest && ` ${rest}`}${phase} }`);
    return top;
  };
  const input = (name: string, shape: readonly number[]): string =>
    layer(
      "Input",
      name,
      [],
      name,
      `input_param { shape { ${shape.map((dim) => `dim: ${dim}`).join(" ")} } }`,
    );
  const only = <T>(wanted: "TRAIN" | "TEST", layers: () => T): T => {
    phase = ` include { phase: ${wanted} }`;
    const made = layers();
    phase = "";
    return made;
  };
  const filler = 'weight_filler { type: "msra" }';
  input("data", data);
  only("TRAIN", () => input("label", data.slice(0, 1)));
  return {
    conv(name, bottom, outputs, kernel, { stride, pad, group, bias } = {}) {
      const fields = message({
        num_output: outputs,
        kernel_size: kernel,
        stride,
        pad,
        group,
        bias_term: bias,
      });
      return layer("Convolution", name, [bottom], name, `convolution_param { ${fields} ${filler} }`);
    },
    innerProduct: (name, bottom, outputs) =>
      layer(
        "InnerProduct",
        name,
        [bottom],
        name,
        `inner_product_param { ${message({ num_output: outputs })} ${filler} }`,
      ),
    relu: (name, bottom) => layer("ReLU", name, [bottom], bottom),
    pool(name, bottom, pool, kernel, { stride, pad } = {}) {
      const fields = message({ pool, kernel_size: kernel, stride, pad });
      return layer("Pooling", name, [bottom], name, `pooling_param { ${fields} }`);
    },
    lrn: (name, bottom) =>
      layer("LRN", name, [bottom], name, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"),
    dropout: (name, bottom, ratio) =>
      layer("Dropout", name, [bottom], bottom, `dropout_param { ${message({ dropout_ratio: ratio })} }`),
    normalize([batchNorm, scale], bottom) {
      layer("BatchNorm", batchNorm, [bottom], bottom);
      return layer("Scale", scale, [bottom], bottom, "scale_param { bias_term: true }");
    },
    concat: (name, bottoms) => layer("Concat", name, bottoms, name),
    sum: (name, bottoms) => layer("Eltwise", name, bottoms, name),
    only,
    softmax: (name, bottom) => layer("Softmax", name, [bottom], name),
    softmaxLoss: (name, bottom, weight) =>
      layer("SoftmaxWithLoss", name, [bottom, "label"], name, message({ loss_weight: weight })),
    text: () => `${lines.join("\n")}\n`,
  };
}
