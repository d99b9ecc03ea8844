import { argumentsOf } from "../../proto/arguments/argument-rules.js";
import { path } from "../../proto/arguments/file-rules.js";
import { userError } from "../../proto/errors/index.js";
import { decodeMessage } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import { valuesOfBlob } from "../blob-proto.js";
import { channelMeans, type Mean } from "./mean-image.js";
import { isNpy, readNpy } from "./npy-file.js";
import { readWhole } from "./whole-file.js";

const READ_MEAN = argumentsOf("readMean", { file: path });
const LARGEST_FILE = 2 ** 30;

/**
 * Reads a mean image: Caffe's binaryproto, or a `.npy` file of channels × height × width, as pycaffe's `ilsvrc_2012_mean.npy`.
 *
 * @throws CortadoError when it is not there, or is no such file
 */
export async function readMean(file: string | URL): Promise<Mean> {
  const { file: at } = READ_MEAN(file);
  const title = `the mean file ${quotedPath(at)}`;
  const bytes = await readWhole(at, title, LARGEST_FILE);
  const { shape, data } = isNpy(bytes)
    ? readNpy(bytes, title)
    : valuesOfBlob(decodeMessage("BlobProto", bytes, title));
  const own = shape.length === 4 && shape[0] === 1 ? shape.slice(1) : shape;
  const [channels, height, width] = own;
  if (own.length !== 3 || data.length === 0 || data.length !== channels * height * width)
    throw userError(
      `${title} has ${data.length} values of shape ${showShape(shape)}: a mean image is channels × height × width`,
    );
  return { shape: [channels, height, width], data, channels: channelMeans(data, channels) };
}
