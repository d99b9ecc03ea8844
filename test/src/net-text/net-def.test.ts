import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { createMessage, floatValue, type LayerParameter, type NetParameter } from "../../../proto/index.js";
import {
  formatNet,
  type NetDef,
  parseNet,
  type SelectedState,
  selectLayers,
} from "../../../src/net-text/index.js";

const names = (def: NetDef, state: SelectedState): string =>
  selectLayers(def, state)
    .net.layer.map(({ name }) => name)
    .join("");

describe("the layers of a phase", () => {
  it("follow include and exclude rules by phase", () => {
    const def = parseNet(`
      layer { name: "a" }
      layer { name: "b" include { phase: TRAIN } }
      layer { name: "c" exclude { phase: TRAIN } }
      layer { name: "d" include { phase: TRAIN } include { phase: TEST } }
      layer { name: "e" exclude { } }
      layer { name: "f" include { } }`);
    expect([names(def, { phase: "TRAIN" }), names(def, { phase: "TEST" })]).toEqual(["abdf", "acdf"]);
    expect(selectLayers(def, { phase: "TEST" }).leftOut.map(({ name }) => name)).toEqual(["b", "e"]);
  });

  it("follow levels and stages; all conditions of a rule must hold", () => {
    const def = parseNet(`
      layer { name: "a" include { min_level: 1 } }
      layer { name: "b" include { max_level: 0 } }
      layer { name: "c" include { min_level: -1 max_level: 1 } }
      layer { name: "d" include { stage: "x" } }
      layer { name: "e" include { stage: "x" stage: "y" } }
      layer { name: "f" include { not_stage: "x" } }
      layer { name: "g" exclude { stage: "y" phase: TEST } }`);
    expect(names(def, { phase: "TEST" })).toBe("bcfg");
    expect(names(def, { phase: "TEST", level: 1 })).toBe("acfg");
    expect(names(def, { phase: "TEST", level: -2 })).toBe("bfg");
    expect(names(def, { phase: "TEST", stages: ["x"] })).toBe("bcdg");
    expect(names(def, { phase: "TEST", stages: ["y", "x"] })).toBe("bcde");
    expect(names(def, { phase: "TRAIN", stages: ["y"] })).toBe("bcfg");
  });

  it("merge the state that the file gives", () => {
    const def = parseNet(`state { phase: TRAIN level: 2 stage: "x" }
      layer { name: "a" include { phase: TEST min_level: 2 stage: "x" stage: "y" } }
      layer { name: "b" include { max_level: 1 } }`);
    const selected = selectLayers(def, { phase: "TEST", stages: ["y"] });
    expect(selected.net.layer.map(({ name }) => name)).toEqual(["a"]);
    expect(selected.net.state).toEqual({ phase: "TEST", level: 2, stage: ["x", "y"] });
    expect(names(def, { phase: "TEST", level: 0 })).toBe("b");
  });

  it("may not be ruled by both kinds of rules", () => {
    const text = 'layer { name: "a" include { phase: TRAIN } exclude { phase: TEST } }';
    expect(() => selectLayers(parseNet(text.repeat(2)), { phase: "TRAIN" })).toThrow(CortadoError);
    expect(() => selectLayers(parseNet(text), { phase: "TRAIN" })).toThrow(
      'layer "a" has both include and exclude rules',
    );
  });
});

/** Numbers as a float field holds them. */
const float = fc.float().map(floatValue);
const word = fc.string({ unit: "grapheme", maxLength: 6 });

const layerArbitrary: fc.Arbitrary<LayerParameter> = fc
  .record(
    {
      name: word,
      type: word,
      bottom: fc.array(word, { maxLength: 3 }),
      top: fc.array(word, { maxLength: 3 }),
      loss_weight: fc.array(float, { maxLength: 2 }),
      propagate_down: fc.array(fc.boolean(), { maxLength: 2 }),
      param: fc.array(
        fc
          .record({
            lr_mult: float,
            name: word,
            share_mode: fc.constantFrom("STRICT" as const, "PERMISSIVE" as const),
          })
          .map((own) => createMessage("ParamSpec", own)),
        { maxLength: 2 },
      ),
      include: fc.array(
        fc
          .record({ phase: fc.constantFrom("TRAIN" as const, "TEST" as const), min_level: fc.integer() })
          .map((own) => createMessage("NetStateRule", own)),
        { maxLength: 2 },
      ),
      convolution_param: fc
        .record(
          {
            num_output: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
            pad: fc.array(fc.nat(), { maxLength: 3 }),
            weight_filler: fc
              .record({ type: word, std: float })
              .map((own) => createMessage("FillerParameter", own)),
          },
          { requiredKeys: [] },
        )
        .map((own) => createMessage("ConvolutionParameter", own)),
      input_param: fc
        .array(fc.maxSafeInteger(), { maxLength: 4 })
        .map((dim) => createMessage("InputParameter", { shape: [createMessage("BlobShape", { dim })] })),
      blobs: fc.array(
        fc
          .float32Array({ maxLength: 4, noNaN: true })
          .map((data) => createMessage("BlobProto", { data: Float32Array.from(data), num: data.length })),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  )
  .map((own) => createMessage("LayerParameter", own))
  .filter(({ type, param }) => type !== "BatchNorm" || param.length !== 3);

const netArbitrary: fc.Arbitrary<NetParameter> = fc
  .record(
    { name: word, force_backward: fc.boolean(), layer: fc.array(layerArbitrary, { maxLength: 4 }) },
    { requiredKeys: [] },
  )
  .map((own) => createMessage("NetParameter", own));

describe("printing a net", () => {
  it("gives text that reads as the same net", () => {
    fc.assert(
      fc.property(netArbitrary, (net) => {
        expect(parseNet(formatNet(net)).net).toEqual(net);
      }),
      { numRuns: 300 },
    );
  });

  it("is easy to read", () => {
    const text =
      'layer { name: "a\\n\\"b" type: \'ReLU\' relu_param { negative_slope: 1e-2 engine: CAFFE } param { lr_mult: inf } } name: "n"';
    expect(formatNet(parseNet(text).net)).toBe(`name: "n"
layer {
  name: "a\\n\\"b"
  type: "ReLU"
  param {
    lr_mult: inf
  }
  relu_param {
    negative_slope: 0.01
    engine: CAFFE
  }
}
`);
  });
});
