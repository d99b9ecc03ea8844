import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decodeMessage } from "../../../proto/index.js";
import { openLmdb } from "../../../runtime/data/lmdb.js";
import { compile, convertImages } from "../../../src/index.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

const folder = mkdtempSync(join(tmpdir(), "cortado-images-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const fresh = (): string => join(folder, `made${count++}`);

async function records(path: string) {
  const cursor = await openLmdb(path);
  const all: { readonly key: string; readonly datum: ReturnType<typeof decodeDatum> }[] = [];
  for (let one = await cursor.next(); one; one = await cursor.next())
    all.push({ key: Buffer.from(one.key).toString(), datum: decodeDatum(one.value) });
  await cursor.close();
  return all;
}
const decodeDatum = (value: Uint8Array) => decodeMessage("Datum", value.slice());

/** What a net's data layer gives at its first pass. */
async function firstBatch(layer: string): Promise<readonly number[][]> {
  const net = await compile(layer, { target: "ts", keep: "all" });
  await net.forward();
  const values = [await net.read("data"), await net.read("label")].map((blob) => [...blob]);
  await net.close();
  return values;
}

describe.skipIf(!hasOracle())("convertImages", () => {
  const list = oraclePath("files", "list.txt");
  const lines = readFileSync(hasOracle() ? list : "/dev/null", "utf8")
    .trim()
    .split("\n");
  const names = lines.map((line) => line.split(" ")[0]);

  it.each([
    ["in colour", { size: { height: 24, width: 30 } }, "new_height: 24 new_width: 30"],
    [
      "in gray",
      { size: { height: 24, width: 30 }, gray: true },
      "new_height: 24 new_width: 30 is_color: false",
    ],
  ])("gives a data layer what ImageData gives, %s", async (_, options, settings) => {
    const out = fresh();
    expect(await convertImages(list, out, { ...options, checkSize: true })).toEqual({
      out,
      records: lines.length,
    });
    const images = await firstBatch(`layer { name: "d" type: "ImageData" top: "data" top: "label"
      image_data_param { source: "${list}" batch_size: ${lines.length} ${settings} } }`);
    const data = await firstBatch(`layer { name: "d" type: "Data" top: "data" top: "label"
      data_param { source: "${out}" batch_size: ${lines.length} backend: LMDB } }`);
    expect(data).toEqual(images);
  });

  it("has keys of eight digits and the path", async () => {
    const out = fresh();
    await convertImages(list, out);
    expect((await records(out)).map(({ key }) => key)).toEqual(
      names.map((name, i) => `${String(i).padStart(8, "0")}_${name}`),
    );
  });

  it("keeps files as they are, and draws an order by its seed", async () => {
    const orders: string[] = [];
    for (const seed of [1, 1, 2]) {
      const out = fresh();
      await convertImages(list, out, { encoded: true, shuffle: true, seed });
      const made = await records(out);
      for (const { key, datum } of made) {
        const name = key.slice(9);
        expect(Buffer.from(datum.data).equals(readFileSync(join(dirname(list), name)))).toBe(true);
        expect([datum.encoded, datum.label]).toEqual([
          true,
          Number(lines[names.indexOf(name)].split(" ")[1]),
        ]);
      }
      orders.push(made.map(({ key }) => key.slice(9)).join());
      expect(made.map(({ key }) => key.slice(9)).sort()).toEqual([...names].sort());
    }
    expect(orders[0]).toBe(orders[1]);
    expect(orders[0]).not.toBe(orders[2]);
  });

  it("starts paths where it is told to", async () => {
    const own = join(folder, "own.txt");
    writeFileSync(
      own,
      names
        .slice(0, 3)
        .map((name, i) => `${name.slice("images/".length)} ${i}\n`)
        .join(""),
    );
    const [root, prefix] = [join(dirname(list), "images"), `${dirname(list)}/images/`];
    for (const options of [{ root }, { prefix }])
      expect(await convertImages(own, fresh(), options)).toMatchObject({ records: 3 });
  });

  it("names the line of a mistake, and leaves nothing", async () => {
    const own = join(folder, "wrong.txt");
    const image = join(dirname(list), names[0]);
    writeFileSync(join(folder, "text.jpg"), "no image");
    for (const [text, message, options] of [
      [`${image} 1\nnone.jpg 2\n`, /line 2 of ".*wrong.txt": the image ".*none.jpg" is not there/, {}],
      [`${image} 1\ntext.jpg 2\n`, /the image on line 2 of ".*wrong.txt"/, {}],
      [`${image} dog\n`, 'the label "dog" is no integer', {}],
      [
        `${image} 1\n${join(dirname(list), "images/cat_gray.jpg")} 1\n`,
        "and the first is",
        { encoded: true, checkSize: true },
      ],
      [`${image} 1\n`, "would make others of them", { encoded: true, gray: true }],
      [`${image} 1\n`, "option size.width is undefined", { size: { height: 3 } as never }],
    ] as const) {
      writeFileSync(own, text);
      const out = fresh();
      await expect(convertImages(own, out, options)).rejects.toThrow(
        typeof message === "string" ? new RegExp(message) : message,
      );
      expect(existsSync(out)).toBe(false);
    }
  });
});
