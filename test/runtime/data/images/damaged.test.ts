/**
 * Damaged and hostile image files, of every format that is read: pixels, or a refusal in words, soon, and in little
 * memory. $CORTADO_FUZZ_RUNS sets how many are tried.
 */
import { readFileSync } from "node:fs";
import { crc32, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../../../runtime/data/image.js";
import { cpuTime } from "../../../support/cpu-time.js";
import { mistakeOf } from "../../../support/feeds.js";
import { fuzzRuns, mutatedBytes, mutatedNumbers } from "../../../support/mutate.js";

/** Of each format; in a usual run few, for opening a decoder anew takes its time. */
const RUNS = fuzzRuns > 2000 ? Math.ceil(fuzzRuns / 10) : 10;
/** Far above what any of these takes on a busy machine. */
const MOST_MILLISECONDS = 10_000;
/** What the largest image that is read takes, and something for the rest of the process. */
const MOST_KIBIBYTES = 1_500_000;

const files = Object.entries(
  JSON.parse(
    gunzipSync(readFileSync(new URL("../../../fixtures/images/opencv.json.gz", import.meta.url))).toString(
      "utf8",
    ),
  ) as Readonly<Record<string, { readonly file: string }>>,
).map(([name, { file }]) => ({ name, bytes: new Uint8Array(Buffer.from(file, "base64")) }));

/** A PNG whose chunks bear the sums that fit: else the decoder would look no further. */
function withSums(file: Uint8Array): Uint8Array {
  const png = Buffer.from(file);
  for (let at = 8; at + 12 <= png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    if (end + 4 > png.length) break;
    png.writeUInt32BE(crc32(png.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return png;
}

describe("damaged image files are decoded, or refused in words", () => {
  it.each(["bmp", "jpg", "png", "pnm", "tif", "webp", "jp2"])("%s", { timeout: 3_600_000 }, async (kind) => {
    const sources = files.filter(({ name }) => name.startsWith(kind)).map(({ bytes }) => bytes);
    const damaged = fc.oneof(mutatedBytes(sources), mutatedNumbers(sources, 120));
    const before = process.resourceUsage().maxRSS;
    await fc.assert(
      fc.asyncProperty(damaged, fc.constantFrom("color", "gray", "native"), async (bytes, mode) => {
        const start = cpuTime();
        const file = kind === "png" ? withSums(bytes) : bytes;
        const mistake = await mistakeOf(async () => {
          const { channels, height, width, data } = await decodeImage(file, mode, "it");
          expect(data.length).toBe(channels * height * width);
        });
        if (mistake) expect(mistake.message).toMatch(/^error: cannot decode it: \S/);
        expect(cpuTime() - start).toBeLessThan(MOST_MILLISECONDS);
        expect(process.resourceUsage().maxRSS - before).toBeLessThan(MOST_KIBIBYTES);
      }),
      { numRuns: RUNS },
    );
  });
});
