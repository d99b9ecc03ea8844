import { CortadoError, userError } from "../../proto/errors/index.js";
import { quoted } from "../../proto/words/names.js";
import { charactersOf } from "../../proto/words/text-bytes.js";
import { kindOfFile } from "../file-kind.js";
import { DECODERS, READ_FORMATS } from "./images/image-formats.js";
import { imageNameOf } from "./images/image-marks.js";
import { type ColorMode, type DecodedImage, toPlanes } from "./images/pixels.js";

export type { ColorMode, DecodedImage } from "./images/pixels.js";

/** Bytes that tell a format. */
const HEAD = 512;

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
    const name = imageNameOf(charactersOf(file.subarray(0, HEAD)));
    if (!name) throw userError(`it is ${insteadOf(file)}`, `read are ${READ_FORMATS}`);
    const decode = DECODERS[name];
    if (!decode) throw userError(`files of the format ${name} are not read`, `read are ${READ_FORMATS}`);
    return toPlanes(await decode(file, mode), mode);
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    throw new CortadoError(
      error.diagnostics.map((one) => ({ ...one, message: `cannot decode ${what}: ${one.message}` })),
    );
  }
}

/** What stands where an image should, in words that follow "it is". */
function insteadOf(file: Uint8Array): string {
  const kind = kindOfFile(file);
  if (kind && kind.is !== "text") return `${kind.words}, not an image`;
  const head = charactersOf(file.subarray(0, 40));
  return /^[\t\n\r\x20-\x7e]+$/.test(head)
    ? `no image, but a text that begins with ${quoted(head)}`
    : "no image";
}
