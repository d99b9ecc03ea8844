import { quotedPath } from "../../proto/words/names.js";
import { type ColorMode, type DecodedImage, decodeImage } from "./image.js";
import type { TextList } from "./text-list.js";
import { readWhole } from "./whole-file.js";

export const LARGEST_IMAGE = 2 ** 30;

/** The bytes of an image that a list names on a line. @throws CortadoError that names the line */
export async function readImageFile(list: TextList, name: string, line: number): Promise<Buffer> {
  const path = await list.locate(name, line);
  return readWhole(path, `${list.at(line)}: the image ${quotedPath(path)}`, LARGEST_IMAGE);
}

/** Reads and decodes it. @throws CortadoError that names the line */
export async function openImageFile(
  list: TextList,
  name: string,
  line: number,
  mode: ColorMode,
): Promise<DecodedImage> {
  const bytes = await readImageFile(list, name, line);
  return decodeImage(bytes, mode, `${list.at(line)}: the image ${quotedPath(name)}`);
}
