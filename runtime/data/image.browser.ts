import { userError } from "../../proto/errors/index.js";
import type { ColorMode, DecodedImage } from "./images/pixels.js";

export type { ColorMode, DecodedImage } from "./images/pixels.js";

/** @throws CortadoError always: records that a page has are no image files */
export async function decodeImage(_file: Uint8Array, _mode: ColorMode, what: string): Promise<DecodedImage> {
  throw userError(`cannot decode ${what} in a browser`, "give pixels, as a canvas gives them");
}
