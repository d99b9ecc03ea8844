import { argumentsOf, either, optional, optionsOf, word } from "../../proto/arguments/argument-rules.js";
import { bytes, path } from "../../proto/arguments/file-rules.js";
import { quotedPath } from "../../proto/words/names.js";
import { type ColorMode, type DecodedImage, decodeImage } from "./image.js";
import { LARGEST_IMAGE } from "./image-file.js";
import { readWhole } from "./whole-file.js";

const READ_IMAGE = argumentsOf("readImage", {
  source: either<string | Uint8Array>(bytes, path),
  options: optional(
    optionsOf<{ readonly color?: ColorMode }>("readImage", { color: word(["native", "color", "gray"]) }),
  ),
});

/**
 * Reads an image as OpenCV reads it for Caffe: bytes, plane by plane, colours in the order blue, green, red. JPEG, PNG, BMP, PGM, PPM
 * and others are told by their content.
 *
 * @param source a path, a file: URL, or the bytes of a file
 * @param options `color`: "color" (the default) and "gray" turn a picture as its EXIF data say; "native" keeps its channels
 * @throws CortadoError when it is not there, or cannot be decoded
 */
export async function readImage(
  source: string | URL | Uint8Array,
  options?: { readonly color?: ColorMode },
): Promise<DecodedImage> {
  const given = READ_IMAGE(source, options);
  const { color = "color" } = given.options ?? {};
  if (typeof given.source !== "string") return decodeImage(given.source, color, "the image");
  const title = `the image ${quotedPath(given.source)}`;
  return decodeImage(await readWhole(given.source, title, LARGEST_IMAGE), color, title);
}
