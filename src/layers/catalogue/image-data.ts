import { spanOf } from "../../net-text/index.js";
import { defineLayer } from "../record.js";
import { transformOf } from "../transform-settings.js";

export const imageData = defineLayer({
  type: "ImageData",
  parameter: "image_data_param",
  summary: "Image files and their labels, from a list.",
  notes: [
    "source is a text file with the path of an image and its label on each line; root_folder stands before each path.",
    "new_height and new_width resize as OpenCV's INTER_LINEAR: half-pixel centres, no antialiasing.",
    "Channels are blue, green, red; with is_color: false there is one, grey.",
    "transform_param crops, mirrors, subtracts a mean and scales.",
  ],
  bottoms: { exact: 0 },
  tops: { exact: 2 },
  feed(context) {
    const { layer, parameter, fail } = context;
    const { new_height: height, new_width: width } = parameter;
    if (parameter.source === "") fail("source must be given", "source");
    if (parameter.batch_size < 1) fail("batch_size must be positive", "batch_size");
    if (height > 0 !== width > 0)
      fail("new_height and new_width go together", height > 0 ? "new_height" : "new_width");
    return {
      kind: "images",
      source: parameter.source,
      rootFolder: parameter.root_folder,
      batchSize: parameter.batch_size,
      randSkip: parameter.rand_skip,
      shuffle: parameter.shuffle,
      size: height > 0 ? { height, width } : undefined,
      color: parameter.is_color,
      transform: transformOf(context),
      span: spanOf(parameter, "source") ?? spanOf(layer),
    };
  },
});
