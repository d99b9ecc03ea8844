/** Layer types and fields that Caffe 1.0 does not have: what is said of them, and where. */
import { describe, expect, it } from "vitest";
import { CortadoError, type Diagnostic } from "../../../proto/errors/index.js";
import { extras } from "../../../src/layers/index.js";
import { compile } from "../../../src/net/compile.js";

const INPUT =
  'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } } }';
const net = (...layers: readonly string[]): string => [INPUT, ...layers].join("\n");
const layer = (inside: string): string => `layer { name: "own" bottom: "x" top: "y" ${inside} }`;

async function mistakesOf(text: string, layers = [] as typeof extras): Promise<readonly Diagnostic[]> {
  try {
    await (await compile(text, { layers })).close();
  } catch (error) {
    if (error instanceof CortadoError) return error.diagnostics;
    throw error;
  }
  return [];
}

const placeOf = ({ span }: Diagnostic): string | undefined => span?.source.text.slice(span.start, span.end);

const EXTRAS = /compile\(net, \{ layers: extras \}\)/;

describe("a type that Caffe 1.0 does not have", () => {
  it.each([
    ["ReLU6", /Clip with min: 0 and max: 6/],
    ["DepthwiseConvolution", /Convolution does the same with group equal to the channels/],
    ["ConvolutionDepthwise", /Convolution does the same with group equal to the channels/],
    ["Upsample", /Deconvolution does the same with kernel_size and stride equal to the scale/],
    ["Axpy", /Scale with axis: 0 and two bottoms, then Eltwise/],
    ["BN", /BatchNorm, and Scale with bias_term: true/],
    ["SyncBN", /BatchNorm, and Scale with bias_term: true/],
    ["LeakyReLU", /ReLU does the same with negative_slope/],
    ["SoftmaxLoss", /calls it SoftmaxWithLoss/],
    ["ConvolutionRistretto", /write Convolution, and leave quantization_param out/],
    ["PriorBox", /Caffe 1.0 has nothing like it/],
    ["DetectionOutput", /Caffe 1.0 has nothing like it/],
    ["Yolo", /Caffe 1.0 has nothing like it/],
    ["Flip", /Caffe 1.0 has nothing like it/],
    ["AnnotatedData", /Caffe 1.0's data layers do not do this/],
    ["FocalLoss", /examples\/focal-loss/],
    ["Relu6", /among its extras/],
    ["Convolutoin", /did you mean "Convolution"/],
    ["MyOwnThing", /may be for a fork of it\. defineLayer makes .*docs\/OWN-LAYERS\.md/],
  ])("%s", async (type, hint) => {
    const found = await mistakesOf(net(layer(`type: "${type}"`)));
    expect(found).toHaveLength(1);
    expect(found[0].message).toBe(`layer "own": there is no layer type "${type}"`);
    expect(placeOf(found[0])).toBe(`"${type}"`);
    expect(found[0].hint).toMatch(hint);
  });

  it.each(extras.map(({ type }) => type))("%s is among the extras, and that is said", async (type) => {
    const [found] = await mistakesOf(net(layer(`type: "${type}"`)));
    expect(found.hint).toMatch(EXTRAS);
    const known = await mistakesOf(net(layer(`type: "${type}"`)), extras);
    expect(known.some(({ message }) => message.includes("there is no layer type"))).toBe(false);
  });

  it("what the message says to use instead of it does the same", async () => {
    const valuesOf = async (text: string): Promise<readonly number[]> => {
      const compiled = await compile(net(text), { layers: extras });
      const x = Float32Array.from({ length: 48 }, (_, i) => ((i * 7) % 19) - 8);
      const { y } = await compiled.forward({ x });
      await compiled.close();
      return [...y];
    };
    const pairs = [
      [layer('type: "ReLU6"'), layer('type: "Clip" clip_param { min: 0 max: 6 }')],
      [
        layer('type: "Upsample" upsample_param { scale: 2 }'),
        layer(
          'type: "Deconvolution" convolution_param { num_output: 3 group: 3 kernel_size: 2 stride: 2 bias_term: false weight_filler { type: "constant" value: 1 } }',
        ),
      ],
    ];
    for (const [fork, caffe] of pairs) expect(await valuesOf(fork)).toEqual(await valuesOf(caffe));
  });
});

describe("a field that Caffe 1.0 does not have", () => {
  it.each([
    ['type: "ReLU" permute_param { order: 0 }', "permute_param", EXTRAS],
    ['type: "ReLU" norm_param { eps: 0 }', "norm_param", EXTRAS],
    ['type: "ReLU" interp_param { zoom_factor: 8 }', "interp_param", EXTRAS],
    ['type: "ReLU" upsample_param { scale: 2 }', "upsample_param", EXTRAS],
    ['type: "ReLU" shuffle_channel_param { group: 2 }', "shuffle_channel_param", EXTRAS],
    ['type: "ReLU" bn_param { frozen: true }', "bn_param", /BatchNorm, and Scale with bias_term: true/],
    ['type: "ReLU" quantization_param { bw_params: 8 }', "quantization_param", /Ristretto.* leave it out/],
    ['type: "ReLU" prior_box_param { min_size: 30 }', "prior_box_param", /nothing like it/],
    ['type: "ReLU" blobs_lr: 1', "blobs_lr", /write param \{ lr_mult/],
    [
      'type: "Pooling" pooling_param { global_pooling: true ceil_mode: false }',
      "ceil_mode",
      /round_mode: FLOOR/,
    ],
    ['type: "BatchNorm" batch_norm_param { scale_bias: true }', "scale_bias", /NVCaffe's: put a Scale layer/],
    ['type: "BatchNorm" batch_norm_param { bias_filler { value: 0 } }', "bias_filler", /put a Scale layer/],
    ['type: "ReLU" relu_parm { negative_slope: 1 }', "relu_parm", /did you mean "relu_param"/],
    [
      'type: "ReLU" my_thing_param { a: 1 }',
      "my_thing_param",
      /no such field.*defineLayer.*docs\/OWN-LAYERS/,
    ],
  ])("%s", async (inside, field, hint) => {
    const found = await mistakesOf(net(layer(inside)));
    expect(found).toHaveLength(1);
    expect(found[0].message).toContain(`unknown field "${field}"`);
    expect(placeOf(found[0])).toBe(field);
    expect(found[0].hint).toMatch(hint);
  });

  it("is reported with all others and with the types", async () => {
    const found = await mistakesOf(
      net(
        'layer { name: "bn" type: "BN" bottom: "x" top: "bn" bn_param { frozen: true } }',
        'layer { name: "p" type: "Permute" bottom: "bn" top: "p" permute_param { order: 0 } }',
        'layer { name: "r" type: "ReLU7" bottom: "p" top: "r" }',
        'layer { name: "s" type: "Softmax" bottom: "r" top: "s" softmax_param { axes: 1 } }',
      ),
    );
    expect(found.map(placeOf)).toEqual(["axes", '"BN"', '"Permute"', '"ReLU7"']);
  });

  it("with extras those of the extras are fields like any other", async () => {
    const found = await mistakesOf(net(layer('type: "Permute" permute_param { orders: 0 }')), extras);
    expect(found).toHaveLength(1);
    expect(found[0].message).toBe('layer "own" (Permute), permute_param: unknown field "orders"');
    expect(found[0].hint).toBe('did you mean "order"?');
  });
});

describe("what is suggested", () => {
  const suggestions = async (text: string, layers?: typeof extras) =>
    (await mistakesOf(text, layers)).map(({ hint }) => hint);
  const of = (type: string, block = "") =>
    `layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }
layer { name: "l" type: "${type}" bottom: "x" top: "y" ${block} }`;

  it("is what would be taken: no type of a fork, no extra unless given, none that is always refused", async () => {
    for (const type of ["ImageLabelmapData", "Yolov3", "SegmentationEvaluate", "Permut", "Recurent", "Pythn"])
      expect([type, ...(await suggestions(of(type)))]).toEqual([
        type,
        expect.not.stringMatching(/did you mean/),
      ]);
    expect(await suggestions(of("Permut"), extras)).toEqual(['did you mean "Permute"?']);
    expect(await suggestions(of("InerProduct"))).toEqual(['did you mean "InnerProduct"?']);
  });

  it("an unknown type and its own parameter block are one mistake", async () => {
    const [hint, ...others] = await suggestions(of("Transpose", "transpose_param { dim: 1 dim: 0 }"));
    expect([hint, others]).toEqual([expect.stringMatching(/no such type/), []]);
    // Of a known type the block is a mistake, and near in name only.
    expect(await suggestions(of("ReLU", "transpose_param { dim: 1 }"))).toEqual([
      expect.not.stringMatching(/did you mean/),
    ]);
    expect(await suggestions(of("ReLU", "rellu_param { negative_slope: 1 }"))).toEqual([
      'did you mean "relu_param"?',
    ]);
  });

  it("no field that is given already, and not the other generation's layers", async () => {
    const [twice] = await suggestions(`name: "n" nam: "m"\n${of("ReLU")}`);
    expect(twice).not.toMatch(/did you mean/);
    const [layer] = await suggestions(`layr { name: "x" }`);
    expect(layer).toBe('did you mean "layer"?');
  });
});
