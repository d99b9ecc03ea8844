import { argumentsOf } from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import { userError } from "../../proto/errors/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { workingFolder } from "../host-process.js";
import { readBlobFile } from "./blob-file.js";
import { channelMeans, type Mean } from "./mean-image.js";

const READ_MEAN = argumentsOf("readMean", { file: path });

/**
 * Reads a mean image: Caffe's binaryproto, or a `.npy` file of channels × height × width, as pycaffe's `ilsvrc_2012_mean.npy`.
 *
 * @throws CortadoError when it is not there, or is no such file
 */
export async function readMean(file: string | URL): Promise<Mean> {
  const image = await readMeanImage(READ_MEAN(file).file, workingFolder());
  return { ...image, channels: channelMeans(image.data, image.shape[0]) };
}

/** As `readMean`, of a path that may start at `root`. */
export async function readMeanImage(source: string, root: string): Promise<Pick<Mean, "shape" | "data">> {
  const { shape, data: values, title: what } = await readBlobFile(source, root, "the mean file");
  const data = Float32Array.from(values);
  const dims = shape.slice(-3);
  const count = dims.reduce((product, extent) => product * extent, 1);
  if (data.length === 0)
    throw userError(
      `${what} holds no image`,
      "a mean file is a BlobProto, as compute_image_mean writes it, or a .npy file",
    );
  if (dims.length !== 3 || count === 0 || data.length !== count)
    throw userError(
      `${what} has ${data.length} values for the shape ${showShape(dims)} (channels×height×width)`,
    );
  return { shape: [dims[0], dims[1], dims[2]], data };
}
