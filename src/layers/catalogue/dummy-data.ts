import { createMessage } from "../../../proto/index.js";
import { spanOf } from "../../net-text/index.js";
import { defineLayer } from "../record.js";

export const dummyData = defineLayer({
  type: "DummyData",
  parameter: "dummy_data_param",
  summary: "Blobs with values from fillers, drawn anew for each batch.",
  notes: [
    "shape and data_filler are given once for all tops, or once for each.",
    "A constant filler, which is the default, fills once.",
  ],
  bottoms: { exact: 0 },
  tops: { min: 1 },
  feed({ layer, parameter, topCount, fail }) {
    const { data_filler: fillers, shape, num, channels, height, width } = parameter;
    const once = (values: readonly unknown[], field: string): void => {
      if (values.length === 0) fail(`${field} must be given`, field);
      if (values.length !== 1 && values.length !== topCount)
        fail(
          `${field} is given ${values.length} times for ${topCount} tops: give it once, or once for each`,
          field,
        );
    };
    const old = { num, channels, height, width };
    const isOld = Object.values(old).some((values) => values.length > 0);
    if (isOld && shape.length > 0)
      fail("give either shape or num, channels, height and width, not both", "shape");
    if (isOld) for (const [field, values] of Object.entries(old)) once(values, field);
    else once(shape, "shape");
    if (fillers.length > 0) once(fillers, "data_filler");
    const pick = <T>(values: readonly T[], top: number): T => values[values.length === 1 ? 0 : top];
    const extents = (top: number): readonly number[] =>
      isOld ? Object.values(old).map((values) => pick(values, top)) : pick(shape, top).dim;
    const tops = Array.from({ length: topCount }, (_, top) => ({
      shape: extents(top),
      filler: fillers.length > 0 ? pick(fillers, top) : createMessage("FillerParameter"),
    }));
    return { kind: "filler", tops, span: spanOf(layer) };
  },
});
