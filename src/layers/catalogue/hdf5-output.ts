import { showShape } from "../../../proto/words/amounts.js";
import { spanOf } from "../../net-text/index.js";
import { defineLayer } from "../record.js";

export const hdf5Output = defineLayer({
  type: "HDF5Output",
  parameter: "hdf5_output_param",
  summary: "Writes its bottoms into an HDF5 file, as the datasets `data` and `label`.",
  notes: [
    "The rows of each forward follow those of the one before; the file is written, whole, when the net is closed.",
  ],
  bottoms: { exact: 2 },
  tops: { exact: 0 },
  lower({ bottoms: [data, label], layer, parameter, write, fail }) {
    if (parameter.file_name === "") fail("file_name must be given", "file_name");
    for (const [bottom, { shape }] of [data, label].entries())
      if (shape.length === 0) fail("it writes rows, and a scalar has none", undefined, { bottoms: [bottom] });
    if (data.shape[0] !== label.shape[0])
      fail(
        `data and label must have as many rows: their shapes are ${showShape(data.shape)} and ${showShape(label.shape)}`,
        undefined,
        { bottoms: [0, 1] },
      );
    write({
      kind: "hdf5",
      path: parameter.file_name,
      datasets: ["data", "label"],
      span: spanOf(parameter, "file_name") ?? spanOf(layer),
    });
    return [];
  },
  domain: { differentiable: [] },
});
