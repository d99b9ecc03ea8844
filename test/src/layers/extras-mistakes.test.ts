/** What a user reads where a layer of a fork's type cannot be as it is written. */
import { describe, expect, it } from "vitest";
import { CortadoError, type Diagnostic } from "../../../proto/errors/index.js";
import { type Given, outputOf } from "./extras-support.js";

async function mistakesOf(given: Given): Promise<readonly Diagnostic[]> {
  try {
    await outputOf(given);
  } catch (error) {
    if (error instanceof CortadoError) return error.diagnostics;
    throw error;
  }
  return [];
}

describe("mistakes, each at its place", () => {
  const image = [[1, 3, 4, 4]];
  const twoImages = [...image, ...image];
  it.each([
    [
      "Permute: no such axis",
      'type: "Permute" permute_param { order: 4 }',
      image,
      /no axis 4 .*1×3×4×4/,
      "4",
    ],
    [
      "Permute: twice",
      'type: "Permute" permute_param { order: 1 order: 1 }',
      image,
      /axis 1 is given twice/,
      "1",
    ],
    [
      "ShuffleChannel: group",
      'type: "ShuffleChannel" shuffle_channel_param { group: 2 }',
      image,
      /3 channels cannot/,
      "2",
    ],
    [
      "ShuffleChannel: 0",
      'type: "ShuffleChannel" shuffle_channel_param { group: 0 }',
      image,
      /must be positive/,
      "0",
    ],
    [
      "Interp: nothing",
      'type: "Interp"',
      image,
      /give zoom_factor, shrink_factor, or height and width/,
      '"layer"',
    ],
    [
      "Interp: pad",
      'type: "Interp" interp_param { zoom_factor: 2 pad_beg: 1 }',
      image,
      /pad_beg must be 0 or neg/,
      "1",
    ],
    [
      "Interp: zoom",
      'type: "Interp" interp_param { zoom_factor: 0 }',
      image,
      /zoom_factor must be at least 1/,
      "0",
    ],
    [
      "Interp: cut",
      'type: "Interp" interp_param { zoom_factor: 2 pad_beg: -4 }',
      image,
      /nothing is left of 4×4/,
      "-4",
    ],
    [
      "Upsample: scale",
      'type: "Upsample" upsample_param { scale: 0 }',
      image,
      /scale must be at least 1, not 0/,
      "0",
    ],
    [
      "Upsample: no mask",
      'type: "Upsample" upsample_param { upsample_h: 8 }',
      image,
      /goes with a mask/,
      "8",
    ],
    [
      "Upsample: extent",
      'type: "Upsample" upsample_param { upsample_h: 9 }',
      twoImages,
      /must be 7 to 8, and is 9/,
      "9",
    ],
    ["Normalize: eps", 'type: "Normalize" norm_param { eps: -1 }', image, /eps must not be negative/, "-1"],
    ["Axpy: counts", 'type: "Axpy"', image, /takes 3 bottom blobs, and has 1/, '"x0"'],
    ["Axpy: shapes", 'type: "Axpy"', [...image, ...image, ...image], /one value for each channel/, '"layer"'],
    [
      "depthwise: group",
      'type: "DepthwiseConvolution" convolution_param { num_output: 3 kernel_size: 1 group: 1 }',
      image,
      /group must be the 3 channels of the bottom, not 1/,
      "1",
    ],
    [
      "depthwise: outputs",
      'type: "ConvolutionDepthwise" convolution_param { num_output: 4 kernel_size: 1 }',
      image,
      /num_output must be a multiple of the bottom's 3 channels/,
      "4",
    ],
  ] as const)("%s", async (_, layer, shapes, message, at) => {
    const found = await mistakesOf({ layer, shapes });
    expect(found).toHaveLength(1);
    expect(found[0].message).toMatch(message);
    const { source, start, end } = found[0].span!;
    expect(source.text.slice(start, end)).toBe(at);
  });

  it("a mask that points elsewhere is refused when it runs", async () => {
    const found = await mistakesOf({
      layer: 'type: "Upsample" upsample_param { scale: 2 }',
      shapes: [
        [1, 1, 2, 2],
        [1, 1, 2, 2],
      ],
      data: [
        [1, 2, 3, 4],
        [5, 2, 0, 15],
      ],
    });
    expect(found).toHaveLength(1);
    expect(found[0].message).toMatch(/each position of the mask must lie in the window .*element 2 is 0/);
  });
});
