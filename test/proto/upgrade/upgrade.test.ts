import { describe, expect, it } from "vitest";
import { CortadoError, createDiagnostics } from "../../../proto/errors/index.js";
import { createMessage, decodeMessage, encodeMessage, has } from "../../../proto/index.js";
import { nameSpanOf, parseNet, parseSolver, spanOf, upgradeNet } from "../../../src/net-text/index.js";

const mistakes = (run: () => unknown): string[] => {
  try {
    run();
  } catch (error) {
    if (error instanceof CortadoError) return error.diagnostics.map(({ message }) => message);
    throw error;
  }
  return [];
};

describe("the first generation", () => {
  it("moves each field to the parameters of its layer's type", () => {
    const { net, warnings } = parseNet(`
      name: "v0" force_backward: true debug_info: true
      layers { layer { name: "d" type: "data" source: "s" batchsize: 2 rand_skip: 3 scale: 0.5 meanfile: "m" cropsize: 7 mirror: true } top: "x" }
      layers { layer { name: "i" type: "images" source: "s" batchsize: 2 new_height: 4 new_width: 5 shuffle_images: true } top: "y" }
      layers { layer { name: "w" type: "window_data" source: "s" det_fg_threshold: 0.1 det_bg_threshold: 0.2 det_fg_fraction: 0.3
                       det_context_pad: 4 det_crop_mode: "square" } top: "z" }
      layers { layer { name: "c" type: "conv" num_output: 2 biasterm: false kernelsize: 3 pad: 1 stride: 2 group: 2
                       weight_filler { type: "xavier" } bias_filler { value: 1 } blobs_lr: 1 blobs_lr: 2 weight_decay: 0 } bottom: "x" top: "c" }
      layers { layer { name: "p" type: "pool" pool: STOCHASTIC kernelsize: 3 stride: 2 pad: 1 } bottom: "c" top: "p" }
      layers { layer { name: "n" type: "lrn" local_size: 3 alpha: 1 beta: 2 k: 3 } bottom: "p" top: "n" }
      layers { layer { name: "f" type: "innerproduct" num_output: 9 } bottom: "n" top: "f" }
      layers { layer { name: "o" type: "dropout" dropout_ratio: 0.3 } bottom: "f" top: "f" }
      layers { layer { name: "k" type: "concat" concat_dim: 0 } bottom: "f" top: "k" }
      layers { layer { name: "l" type: "infogain_loss" source: "h" } bottom: "k" }
      layers { layer { name: "h" type: "hdf5_output" hdf5_output_param { file_name: "o" } } bottom: "k" }`);
    expect(warnings).toEqual([]);
    expect(net).toEqual({
      name: "v0",
      force_backward: true,
      layer: [
        {
          name: "d",
          type: "Data",
          top: ["x"],
          data_param: { source: "s", batch_size: 2, rand_skip: 3 },
          transform_param: { scale: 0.5, mean_file: "m", crop_size: 7, mirror: true },
        },
        {
          name: "i",
          type: "ImageData",
          top: ["y"],
          image_data_param: { source: "s", batch_size: 2, new_height: 4, new_width: 5, shuffle: true },
        },
        {
          name: "w",
          type: "WindowData",
          top: ["z"],
          window_data_param: {
            source: "s",
            fg_threshold: 0.1,
            bg_threshold: 0.2,
            fg_fraction: 0.3,
            context_pad: 4,
            crop_mode: "square",
          },
        },
        {
          name: "c",
          type: "Convolution",
          bottom: ["x"],
          top: ["c"],
          param: [{ lr_mult: 1, decay_mult: 0 }, { lr_mult: 2 }],
          convolution_param: {
            num_output: 2,
            bias_term: false,
            kernel_size: [3],
            pad: [1],
            stride: [2],
            group: 2,
            weight_filler: { type: "xavier" },
            bias_filler: { value: 1 },
          },
        },
        {
          name: "p",
          type: "Pooling",
          bottom: ["c"],
          top: ["p"],
          pooling_param: { pool: "STOCHASTIC", kernel_size: 3, stride: 2, pad: 1 },
        },
        {
          name: "n",
          type: "LRN",
          bottom: ["p"],
          top: ["n"],
          lrn_param: { local_size: 3, alpha: 1, beta: 2, k: 3 },
        },
        {
          name: "f",
          type: "InnerProduct",
          bottom: ["n"],
          top: ["f"],
          inner_product_param: { num_output: 9 },
        },
        { name: "o", type: "Dropout", bottom: ["f"], top: ["f"], dropout_param: { dropout_ratio: 0.3 } },
        { name: "k", type: "Concat", bottom: ["f"], top: ["k"], concat_param: { concat_dim: 0 } },
        { name: "l", type: "InfogainLoss", bottom: ["k"], infogain_loss_param: { source: "h" } },
        { name: "h", type: "HDF5Output", bottom: ["k"], hdf5_output_param: { file_name: "o" } },
      ],
    });
  });

  it("folds padding layers into the convolution that reads them", () => {
    const { net } = parseNet(`input: "x" input_dim: 1 input_dim: 1 input_dim: 4 input_dim: 4
      layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "x" top: "padded" }
      layers { layer { name: "c" type: "conv" num_output: 1 kernelsize: 3 } bottom: "padded" top: "c" }`);
    expect(net.layer.map(({ name }) => name)).toEqual(["input", "c"]);
    expect(net.layer[1]).toMatchObject({ bottom: ["x"], convolution_param: { pad: [2], kernel_size: [3] } });
  });

  it("refuses padding that nothing can take, unknown types and mixed formats; notes fields without meaning", () => {
    const pad = 'layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "x" top: "p" }';
    expect(
      mistakes(() => parseNet(`${pad} layers { layer { name: "r" type: "relu" } bottom: "p" top: "r" }`)),
    ).toEqual(['layer "r": only conv and pool layers can read a padding layer']);
    expect(
      mistakes(() =>
        parseNet('layers { layer { name: "r" type: "rellu" } } layers { name: "s" type: RELU }'),
      ),
    ).toEqual([
      'layer "r": unknown layer type "rellu"',
      "the net has layers of two formats: layers { layer { … } } and layers { type: … }",
    ]);
    const { warnings } = parseNet('layers { layer { name: "r" type: "relu" num_output: 3 } top: "r" }');
    expect(warnings.map(({ message }) => message)).toEqual([
      'layer "r": num_output has no meaning for a layer of type "relu"',
    ]);
  });
});

describe("the second generation", () => {
  it("gets types as strings, params from their lists, and transform_param", () => {
    const { net } = parseNet(`
      layers { name: "d" type: DATA top: "x" data_param { source: "s" scale: 0.5 mirror: true } transform_param { crop_size: 3 } include { phase: TRAIN } }
      layers { name: "i" type: IMAGE_DATA top: "y" image_data_param { mean_file: "m" crop_size: 4 } }
      layers { name: "f" type: INNER_PRODUCT bottom: "x" top: "f" param: "w" blob_share_mode: PERMISSIVE blobs_lr: 1 blobs_lr: 2
               weight_decay: 1 weight_decay: 0 weight_decay: 3 loss_weight: 2 inner_product_param { num_output: 1 } }`);
    expect(net).toEqual({
      layer: [
        {
          name: "d",
          type: "Data",
          top: ["x"],
          data_param: { source: "s" },
          transform_param: { scale: 0.5, mirror: true, crop_size: 3 },
          include: [{ phase: "TRAIN" }],
        },
        {
          name: "i",
          type: "ImageData",
          top: ["y"],
          image_data_param: {},
          transform_param: { mean_file: "m", crop_size: 4 },
        },
        {
          name: "f",
          type: "InnerProduct",
          bottom: ["x"],
          top: ["f"],
          loss_weight: [2],
          param: [
            { name: "w", share_mode: "PERMISSIVE", lr_mult: 1, decay_mult: 1 },
            { lr_mult: 2, decay_mult: 0 },
            { decay_mult: 3 },
          ],
          inner_product_param: { num_output: 1 },
        },
      ],
    });
  });

  it("may not be mixed with the current one", () => {
    expect(mistakes(() => parseNet('layers { type: RELU } layer { type: "ReLU" }'))).toEqual([
      "the net has both layer { … } and layers { … }",
    ]);
  });
});

describe("inputs of a net", () => {
  it("become the first layer, from shapes or from four extents each", () => {
    const layer = 'layer { name: "r" type: "ReLU" bottom: "a" top: "r" }';
    const dims = [1, 2, 3, 4, 5, 6, 7, 8].map((dim) => `input_dim: ${dim}`).join(" ");
    expect(parseNet(`input: "a" input: "b" ${dims} ${layer}`).net.layer[0]).toEqual({
      name: "input",
      type: "Input",
      top: ["a", "b"],
      input_param: { shape: [{ dim: [1, 2, 3, 4] }, { dim: [5, 6, 7, 8] }] },
    });
    const { net } = parseNet(`input: "a" input_shape { dim: 3 dim: 4 } ${layer}`);
    expect(net.layer.map(({ name }) => name)).toEqual(["input", "r"]);
    expect(net.layer[0]!.input_param!.shape).toEqual([{ dim: [3, 4] }]);
    expect(has(net, "input") || has(net, "input_shape")).toBe(false);
  });

  it("need a shape each", () => {
    expect(
      mistakes(() => parseNet('input: "a" input: "b" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1')),
    ).toEqual(['input "b" has no shape: 4 input_dim for 2 inputs, each needs 4']);
    expect(mistakes(() => parseNet('input: "a" input: "b" input_shape { dim: 1 }'))).toEqual([
      'input "b" has no shape: 1 input_shape for 2 inputs',
    ]);
    expect(parseNet('input: "a" input_shape { dim: 1 } input_shape { dim: 2 }').warnings).toHaveLength(1);
    expect(parseNet('input: "a"').warnings.map(({ message }) => message)).toEqual([
      'input "a" has no shape and is left out',
    ]);
  });

  it("without a shape, as in old weight files, are dropped", () => {
    const bytes = encodeMessage("NetParameter", createMessage("NetParameter", { input: ["data"] }));
    const diagnostics = createDiagnostics();
    expect(upgradeNet(decodeMessage("NetParameter", bytes), diagnostics)).toEqual({});
    expect(diagnostics.all).toEqual([]);
  });
});

describe("other old forms", () => {
  it("BatchNorm layers with three params do not learn", () => {
    const layer = (type: string, count: number) =>
      `layer { type: "${type}" ${'param { name: "n" lr_mult: 1 }'.repeat(count)} }`;
    const { net } = parseNet(layer("BatchNorm", 3) + layer("BatchNorm", 2) + layer("Scale", 3));
    expect(net.layer[0]!.param).toEqual(Array(3).fill({ name: "n", lr_mult: 0, decay_mult: 0 }));
    expect(net.layer[1]!.param).toEqual(Array(2).fill({ name: "n", lr_mult: 1 }));
    expect(net.layer[2]!.param).toEqual(Array(3).fill({ name: "n", lr_mult: 1 }));
  });

  it("solver types were an enum", () => {
    const types = ["SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM", "3"];
    expect(types.map((type) => parseSolver(`solver_type: ${type}`).solver)).toEqual(
      ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam", "RMSProp"].map((type) => ({ type })),
    );
    expect(mistakes(() => parseSolver('solver_type: ADAM type: "Adam"'))).toEqual([
      "type and solver_type are both given",
    ]);
    const { solver } = parseSolver('net_param { layers { name: "r" type: RELU } }');
    expect(solver.net_param?.layer).toEqual([{ name: "r", type: "ReLU" }]);
  });
});

describe("places after upgrades", () => {
  const text = `input: "x" input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4
layers { layer { name: "c" type: "conv" kernelsize: 3 blobs_lr: 5 pad: 1 } bottom: "x" top: "c" }
layers { layer { name: "d" type: "data" scale: 0.5 } top: "d" }`;
  const { net } = parseNet(text);
  const shown = (message: object | undefined, field: string, index?: number) => {
    const span = message && spanOf(message, field, index);
    return span && text.slice(span.start, span.end);
  };

  it("are those of the old fields", () => {
    const [input, conv, data] = net.layer;
    expect(shown(input, "top")).toBe('"x"');
    expect([0, 3].map((i) => shown(input?.input_param?.shape[0], "dim", i))).toEqual(["1", "4"]);
    expect([shown(conv, "name"), shown(conv, "type"), shown(conv, "bottom")]).toEqual([
      '"c"',
      '"conv"',
      '"x"',
    ]);
    expect(shown(conv?.convolution_param, "kernel_size")).toBe("3");
    expect(shown(conv?.param[0], "lr_mult")).toBe("5");
    expect(shown(data?.transform_param, "scale")).toBe("0.5");
    const name = nameSpanOf(conv!.convolution_param!, "kernel_size")!;
    expect(text.slice(name.start, name.end)).toBe("kernelsize");
    expect(net.layer.map((layer, i) => spanOf(net, "layer", i) === spanOf(layer))).toEqual([
      true,
      true,
      true,
    ]);
  });
});
