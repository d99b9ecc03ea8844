import { CortadoError, userError } from "../../proto/errors/index.js";
import { quoted } from "../../proto/words/names.js";
import { formatOf, READ_FORMATS } from "./images/image-formats.js";
import { type ColorMode, type DecodedImage, toPlanes } from "./images/pixels.js";

export type { ColorMode, DecodedImage } from "./images/pixels.js";

/**
 * Decodes an image file as OpenCV's imread and imdecode do for Caffe: 8 bits, planes in the order blue, green, red. The
 * format is seen from its content. "native" keeps grey as one channel and an alpha channel as the fourth, and leaves
 * a JPEG or PNG as it lies; "color" and "gray" drop alpha and turn it as its EXIF data say.
 *
 * @param what how to name the file in an error
 * @throws CortadoError when it cannot be decoded, or is larger than `MOST_PIXELS`
 */
export async function decodeImage(file: Uint8Array, mode: ColorMode, what: string): Promise<DecodedImage> {
  try {
    const format = formatOf(file);
    if (!format) throw userError(`it is no image${beginningOf(file)}`, `read are ${READ_FORMATS}`);
    if (!format.decode)
      throw userError(`files of the format ${format.name} are not read`, `read are ${READ_FORMATS}`);
    return toPlanes(await format.decode(file, mode), mode);
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    throw new CortadoError(
      error.diagnostics.map((one) => ({ ...one, message: `cannot decode ${what}: ${one.message}` })),
    );
  }
}

/** How a text begins that stands where an image should: a web page, a pointer to a file elsewhere. */
function beginningOf(file: Uint8Array): string {
  if (file.length === 0) return ", but empty";
  const head = Buffer.from(file.subarray(0, 40)).toString("latin1");
  return /^[\t\n\r\x20-\x7e]+$/.test(head) ? `, but a text that begins with ${quoted(head)}` : "";
}
