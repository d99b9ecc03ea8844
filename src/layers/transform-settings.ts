import type { TransformSpec } from "../../runtime/data/feed-spec.js";
import { spanOf } from "../net-text/index.js";
import type { FeedContext } from "./record.js";
import { parameterOf } from "./record.js";

/** A data layer's transform_param, checked. */
export function transformOf({ layer, fail }: Pick<FeedContext, "layer" | "fail">): TransformSpec {
  const transform = parameterOf(layer, "transform_param");
  const at = { in: transform };
  if (transform.mean_file !== "" && transform.mean_value.length > 0)
    fail("give either mean_file or mean_value, not both", "mean_file", at);
  if (transform.force_color && transform.force_gray)
    fail("force_color and force_gray exclude each other", "force_gray", at);
  return {
    scale: transform.scale,
    mirror: transform.mirror,
    cropSize: transform.crop_size,
    meanFile: transform.mean_file === "" ? undefined : transform.mean_file,
    meanValues: transform.mean_value,
    forceColor: transform.force_color,
    forceGray: transform.force_gray,
    span: spanOf(transform),
  };
}
