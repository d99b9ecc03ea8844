/** What a user reads where a layer cannot be as it is written, and where the caret stands. */
import { describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { inputLayer as input } from "../../support/input-layer.js";
import { lowerText } from "../../support/lowered.js";

const DATA = [
  input("x", 2, 3, 5, 5),
  input("v", 4),
  input("r", 4, 6),
  input("z", 2, 4, 5, 6),
  input("h", 3, 3),
].join("");

function mistakes(text: string): CortadoError["diagnostics"] {
  try {
    lowerText(DATA + text);
  } catch (error) {
    if (error instanceof CortadoError) return error.diagnostics;
    throw error;
  }
  return [];
}

/** Each: the layer behind its name, the message, and the text under the caret. */
const REFUSED: readonly (readonly [layer: string, message: string, caret: string])[] = [
  [
    `type: "BatchReindex" bottom: "x" bottom: "r"`,
    `(BatchReindex): the positions must have one axis, not the shape 4×6`,
    `"l"`,
  ],
  [
    `type: "BatchReindex" bottom: "x" bottom: "v" propagate_down: true propagate_down: true`,
    `(BatchReindex): there is no gradient into positions: propagate_down must be false for bottom 2`,
    `true`,
  ],
  [
    `type: "ContrastiveLoss" bottom: "r" bottom: "r" bottom: "h"`,
    `(ContrastiveLoss): there must be one value for each of the 4 pairs, and the third bottom has the shape 3×3`,
    `"l"`,
  ],
  [
    `type: "ContrastiveLoss" bottom: "x" bottom: "x" bottom: "v"`,
    `(ContrastiveLoss): the first two bottoms must be rows of as many values, N×C, and their shapes are 2×3×5×5 and 2×3×5×5`,
    `"l"`,
  ],
  [
    `type: "Crop" bottom: "x" bottom: "z"`,
    `(Crop): 6 positions from offset 0 on reach over the end of axis 3, which has 5`,
    `"l"`,
  ],
  [
    `type: "Crop" bottom: "z" bottom: "x" crop_param { offset: 1 offset: 1 }`,
    `(Crop): 5 positions from offset 1 on reach over the end of axis 2, which has 5`,
    `1`,
  ],
  [
    `type: "Crop" bottom: "z" bottom: "x" crop_param { axis: 1 offset: 1 offset: 1 }`,
    `(Crop): offset is given 2 times for 3 axes from axis 1 on: give it once, or once for each`,
    `1`,
  ],
  [
    `type: "Crop" bottom: "z" bottom: "x" crop_param { axis: 4 }`,
    `(Crop): there is no axis 4 in a bottom of shape 2×4×5×6: it can be -4 to 3`,
    `4`,
  ],
  [
    `type: "Crop" bottom: "x" bottom: "r"`,
    `(Crop): the second bottom, 4×6, must have as many axes as the first, 2×3×5×5`,
    `"l"`,
  ],
  [
    `type: "Embed" bottom: "v" embed_param { num_output: 3 }`,
    `(Embed): input_dim must be given, and positive`,
    `embed_param { num_output: 3 }`,
  ],
  [
    `type: "Embed" bottom: "v" embed_param { num_output: 0 input_dim: 3 }`,
    `(Embed): num_output must be given, and positive`,
    `0`,
  ],
  [
    `type: "Embed" bottom: "v" embed_param { num_output: 2 input_dim: 3 } propagate_down: true`,
    `(Embed): there is no gradient into positions: propagate_down must be false for bottom 1`,
    `true`,
  ],
  [
    `type: "Filter" bottom: "v" bottom: "r"`,
    `(Filter): the selector, the last bottom, must have one value for each item, and has the shape 4×6`,
    `"l"`,
  ],
  [
    `type: "Filter" bottom: "x" bottom: "v"`,
    `(Filter): the selector has 4 values, and bottom 1 has the shape 2×3×5×5`,
    `"l"`,
  ],
  [
    `type: "Filter" bottom: "r" bottom: "r" bottom: "v"`,
    `(Filter): it makes one top for each bottom but the selector: 2, not 1`,
    `"y"`,
  ],
  [
    `type: "Filter" bottom: "r" bottom: "v" propagate_down: true propagate_down: true`,
    `(Filter): there is no gradient into the selector: propagate_down must be false for bottom 2`,
    `true`,
  ],
  [
    `type: "HingeLoss" bottom: "r" bottom: "r"`,
    `(HingeLoss): scores of shape 4×6 need 4 labels, one for each row, and the labels have the shape 4×6`,
    `"l"`,
  ],
  [
    `type: "HingeLoss" bottom: "r" bottom: "v" propagate_down: false propagate_down: true`,
    `(HingeLoss): there is no gradient into labels: propagate_down must be false for bottom 2`,
    `true`,
  ],
  [
    `type: "Im2col" bottom: "x" convolution_param { kernel_size: 3 dilation: 3 }`,
    `(Im2col): the kernel covers 7 positions, and the input has 5`,
    `3`,
  ],
  [
    `type: "Im2col" bottom: "x" convolution_param { kernel_size: 3 stride: 0 }`,
    `(Im2col): stride must be at least 1, not 0`,
    `0`,
  ],
  [
    `type: "Im2col" bottom: "x" convolution_param { pad: 1 }`,
    `(Im2col): kernel_size must be given`,
    `convolution_param { pad: 1 }`,
  ],
  [
    `type: "InfogainLoss" bottom: "r" bottom: "v"`,
    `(InfogainLoss): give the infogain matrix: a third bottom, or a BlobProto file as source`,
    `"l"`,
  ],
  [
    `type: "InfogainLoss" bottom: "r" bottom: "v" bottom: "h"`,
    `(InfogainLoss): the infogain matrix must have 6×6 values for 6 classes, and the third bottom has the shape 3×3`,
    `"l"`,
  ],
  [
    `type: "InfogainLoss" bottom: "r" bottom: "v" bottom: "h" loss_param { normalize: true }`,
    `(InfogainLoss): normalize is not for this type: use normalization`,
    `true`,
  ],
  [
    `type: "InfogainLoss" bottom: "r" bottom: "v" bottom: "h" propagate_down: true propagate_down: false propagate_down: true`,
    `(InfogainLoss): there is no gradient into the infogain matrix: propagate_down must be false for bottom 3`,
    `true`,
  ],
  [
    `type: "MultinomialLogisticLoss" bottom: "x" bottom: "v"`,
    `(MultinomialLogisticLoss): scores of shape 2×3×5×5 need 2 labels, one for each row, and the labels have the shape 4`,
    `"l"`,
  ],
  [`type: "MVN" bottom: "five"`, `(MVN): the bottom must have 1 to 4 axes, not the shape 1×1×1×1×2`, `"l"`],
  [
    `type: "Parameter" parameter_param { shape { dim: 0 } }`,
    `(Parameter): an extent must be positive, not 0`,
    `0`,
  ],
  [
    `type: "SPP" bottom: "r" spp_param { pyramid_height: 1 }`,
    `(SPP): the bottom must have 4 axes (images, channels, height, width), not the shape 4×6`,
    `"l"`,
  ],
  [`type: "SPP" bottom: "x"`, `(SPP): pyramid_height must be given, and positive`, `"l"`],
  [
    `type: "SPP" bottom: "x" spp_param { pyramid_height: 3 }`,
    `(SPP): level 2 has 4 bins along an axis, which 5 positions do not fill: pad 2, bins of 2`,
    `3`,
  ],
  [
    `type: "SPP" bottom: "x" spp_param { pyramid_height: 2 pool: STOCHASTIC }`,
    `(SPP): STOCHASTIC pooling takes no padding, and level 1 needs it: 2 bins do not divide 5×5`,
    `STOCHASTIC`,
  ],
  [`type: "Tile" bottom: "x"`, `(Tile): tiles must be given`, `"l"`],
  [`type: "Tile" bottom: "x" tile_param { tiles: -2 }`, `(Tile): tiles must be at least 1, not -2`, `-2`],
  [
    `type: "Tile" bottom: "x" tile_param { axis: -5 tiles: 2 }`,
    `(Tile): there is no axis -5 in a bottom of shape 2×3×5×5: it can be -4 to 3`,
    `-5`,
  ],
];

describe("what a user reads", () => {
  it.each(REFUSED)("%s", (layer, message, caret) => {
    const found = mistakes(`${input("five", 1, 1, 1, 1, 2)}layer { name: "l" ${layer} top: "y" }`);
    expect(found.map((mistake) => mistake.message)).toEqual([`layer "l" ${message}`]);
    const { span } = found[0];
    expect(span?.source.text.slice(span.start, span.end)).toBe(caret);
  });
});
