import { defineLayer } from "../record.js";

export const memoryData = defineLayer({
  type: "MemoryData",
  parameter: "memory_data_param",
  summary: "Images and labels that the caller gives: `forward({ data, label })`.",
  notes: [
    "The tops have the shapes batch_size×channels×height×width and batch_size.",
    "transform_param is not applied: values are taken as they are, as Caffe does with arrays.",
  ],
  bottoms: { exact: 0 },
  tops: { exact: 2 },
  lower({ parameter, input, fail }) {
    const extents = (["batch_size", "channels", "height", "width"] as const).map((field) => {
      if (parameter[field] < 1) fail(`${field} must be given, and positive`, field);
      return parameter[field];
    });
    return [input(0, extents), input(1, extents.slice(0, 1))];
  },
  domain: { differentiable: [] },
});
