import { didYouMean } from "../../../proto/errors/suggest.js";
import { quoted } from "../../../proto/words/names.js";
import { spanOf } from "../../net-text/index.js";
import { defineLayer } from "../record.js";
import { transformOf } from "../transform-settings.js";

const MODES = ["warp", "square"] as const;

export const windowData = defineLayer({
  type: "WindowData",
  parameter: "window_data_param",
  summary: "Windows of images, drawn at random from a window file and warped to one size: R-CNN's data.",
  notes: [
    "A batch is background first, then ⌊batch_size · fg_fraction⌋ foreground windows, drawn anew each time, in both phases.",
    "A window whose overlap is fg_threshold or more is foreground, with its label; below bg_threshold it is background, with label 0; others are left out.",
    "context_pad grows a window so that the crop has that many pixels around it; what lies outside of the image stays 0.",
    "Mean, mirror and crop_size come from transform_param; the scale is window_data_param's own, as in Caffe.",
  ],
  bottoms: { exact: 0 },
  tops: { exact: 2 },
  feed(context) {
    const { layer, parameter, fail } = context;
    const transform = transformOf(context);
    const { crop_mode, context_pad: contextPad, fg_fraction: fgFraction } = parameter;
    if (parameter.source === "") fail("source must be given", "source");
    if (parameter.batch_size < 1) fail("batch_size must be given, and positive", "batch_size");
    if (transform.cropSize < 1)
      fail("crop_size must be given in transform_param: windows are warped to it", "crop_size", {
        in: layer.transform_param ?? layer,
      });
    if (2 * contextPad >= transform.cropSize)
      fail(
        `context_pad ${contextPad} on both sides leaves nothing of a crop of ${transform.cropSize}`,
        "context_pad",
      );
    if (!(fgFraction >= 0 && fgFraction <= 1))
      fail(`fg_fraction must lie between 0 and 1, not ${fgFraction}`, "fg_fraction");
    const cropMode =
      MODES.find((mode) => mode === crop_mode) ??
      fail(`there is no crop_mode ${quoted(crop_mode)}: it is "warp" or "square"`, "crop_mode", {
        hint: didYouMean(crop_mode, MODES),
      });
    return {
      kind: "windows",
      source: parameter.source,
      rootFolder: parameter.root_folder,
      batchSize: parameter.batch_size,
      fgThreshold: parameter.fg_threshold,
      bgThreshold: parameter.bg_threshold,
      fgFraction,
      contextPad,
      cropMode,
      cacheImages: parameter.cache_images,
      transform: { ...transform, scale: parameter.scale },
      span: spanOf(parameter, "source") ?? spanOf(layer),
    };
  },
});
