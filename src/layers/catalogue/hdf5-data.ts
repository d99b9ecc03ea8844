import { nameSpanOf, spanOf } from "../../net-text/index.js";
import { defineLayer } from "../record.js";

export const hdf5Data = defineLayer({
  type: "HDF5Data",
  parameter: "hdf5_data_param",
  summary: "Blobs from HDF5 files: a top is the data set of its name.",
  notes: ["source is a text file that lists HDF5 files, one a line."],
  bottoms: { exact: 0 },
  tops: { min: 1 },
  feed({ layer, parameter, fail }) {
    if (layer.transform_param !== undefined) {
      fail("HDF5Data does not transform what it reads: leave transform_param out", "transform_param", {
        in: layer,
      });
    }
    if (parameter.source === "") fail("source must be given", "source");
    if (parameter.batch_size < 1) fail("batch_size must be given, and positive", "batch_size");
    return {
      kind: "hdf5",
      source: parameter.source,
      batchSize: parameter.batch_size,
      shuffle: parameter.shuffle,
      tops: layer.top,
      span: spanOf(parameter, "source") ?? nameSpanOf(layer, "type"),
    };
  },
});
