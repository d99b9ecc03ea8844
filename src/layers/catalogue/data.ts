import { spanOf } from "../../net-text/index.js";
import { defineLayer } from "../record.js";
import { transformOf } from "../transform-settings.js";

export const data = defineLayer({
  type: "Data",
  parameter: "data_param",
  summary:
    "Images and labels from an LMDB or LevelDB, from MNIST's idx files, or made up here (builtin:digits).",
  notes: [
    "With one top there are no labels.",
    "transform_param crops, mirrors, subtracts a mean and scales.",
    "shuffle, which Caffe 1.0 does not have, holds the records in memory and gives them in a new order each round.",
  ],
  bottoms: { exact: 0 },
  tops: { min: 1, max: 2 },
  feed(context) {
    const { parameter, topCount, fail } = context;
    if (parameter.source === "") fail("source must be given", "source");
    if (parameter.batch_size < 1) fail("batch_size must be given, and positive", "batch_size");
    return {
      kind: "records",
      source: parameter.source,
      backend: parameter.backend,
      batchSize: parameter.batch_size,
      randSkip: parameter.rand_skip,
      shuffle: parameter.shuffle,
      transform: transformOf(context),
      tops: topCount === 1 ? 1 : 2,
      span: spanOf(parameter, "source") ?? spanOf(context.layer),
    };
  },
});
