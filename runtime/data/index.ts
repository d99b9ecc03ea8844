/** Data sources: LMDB, LevelDB, HDF5, idx files, built-in digits; and the batches of data layers. */
export { type Dataset, type DatasetOptions, openDataset } from "./dataset.js";
export { type ColorMode, decodeImage } from "./image.js";
export { type Feed, type FeedOptions, openFeed, probeFeed } from "./open-feed.js";
export type { PlainRecord } from "./records.js";
