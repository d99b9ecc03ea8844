/** Data sources: LMDB, LevelDB, HDF5, idx files, built-in digits; and the batches of data layers. */

export { computeMean, type MeanImage, type MeanOptions } from "./compute-mean.js";
export { type ConvertImagesOptions, convertImages } from "./convert-images.js";
export {
  type ConvertedDatabase,
  type ConvertOptions,
  type ConvertProgress,
  type ConvertRecordsOptions,
  convertCifar10,
  convertMnist,
  convertRecords,
} from "./convert-records.js";
export { type Dataset, type DatasetOptions, openDataset } from "./dataset.js";
export { type ColorMode, type DecodedImage, decodeImage } from "./image.js";
export type { ImageSize } from "./image-size.js";
export {
  createImageTransform,
  type ImageBatch,
  type ImageTransformOptions,
} from "./image-transformer.js";
export type { Mean } from "./mean-image.js";
export { type Feed, type FeedOptions, openFeed, probeFeed } from "./open-feed.js";
export { readImage } from "./read-image.js";
export { readMean } from "./read-mean.js";
export type { PlainRecord } from "./records.js";
