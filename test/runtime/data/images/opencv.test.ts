import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type ColorMode, decodeImage } from "../../../../runtime/data/image.js";
import { mistakeOf } from "../../../support/feeds.js";

/** What OpenCV gives of one file: test/fixtures/images/README.md. */
type Case = { readonly file: string } & Readonly<
  Partial<Record<ColorMode, { readonly shape: readonly number[]; readonly data: string } | null>>
>;

const cases = JSON.parse(
  gunzipSync(readFileSync(new URL("../../../fixtures/images/opencv.json.gz", import.meta.url))).toString(
    "utf8",
  ),
) as Readonly<Record<string, Case>>;
const KINDS: Readonly<Record<string, number>> = {
  bmp: 60,
  jpg: 40,
  png: 50,
  pnm: 20,
  tif: 40,
  webp: 7,
  jp2: 5,
};

describe("pixels as OpenCV reads them", () => {
  it.each(Object.entries(KINDS))("%s", async (kind, atLeast) => {
    const files = Object.entries(cases).filter(([name]) => name.startsWith(kind));
    expect(files.length).toBeGreaterThanOrEqual(atLeast);
    const modes = ["color", "gray", "native"] as const;
    await Promise.all(files.flatMap(([name, one]) => modes.map((mode) => holds(name, one, mode))));
  });
});

async function holds(name: string, { file, ...wanted }: Case, mode: ColorMode): Promise<void> {
  const { shape, data } = wanted[mode] ?? {};
  let found: unknown;
  const mistake = await mistakeOf(async () => {
    const image = await decodeImage(Buffer.from(file, "base64"), mode, name);
    found = { shape: [image.channels, image.height, image.width], data: [...image.data] };
  });
  expect({ name, mode, found, why: mistake?.message }).toEqual({
    name,
    mode,
    found: shape && data !== undefined ? { shape, data: [...Buffer.from(data, "base64")] } : undefined,
    why: shape ? undefined : expect.stringMatching(new RegExp(`^error: cannot decode ${name}: `)),
  });
}
