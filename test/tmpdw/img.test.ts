import { readFileSync, writeFileSync } from "node:fs";
import { it } from "vitest";
import sharp from "sharp";
import { decodeImage } from "../../runtime/data/image.js";
import { drawDigit } from "../../runtime/data/digits.js";
import { readTensors } from "../support/case.js";
import { oraclePath } from "../support/oracle.js";
it("img", async () => {
  const list = readFileSync(oraclePath("files/list.txt"), "utf8").trim().split("\n").map((l) => l.split(" ")[0]);
  const t = readTensors(oraclePath("data/image-gray/case.safetensors"));
  for (let i = 0; i < 12; i++) {
    const f = readFileSync(oraclePath("files", list[i % list.length]));
    const meta = await sharp(f).metadata();
    const d = await decodeImage(f, "gray", "x");
    const want = t.get(`batch${Math.floor(i / 4)}/data`)!.data.subarray((i % 4) * 1024, (i % 4 + 1) * 1024);
    if (d.height !== 32 || d.width !== 32) { console.log(list[i], meta.width, meta.height, meta.space); continue; }
    let m = 0, n = 0; for (let k = 0; k < 1024; k++) { const e = Math.abs(want[k] - d.data[k]); m = Math.max(m, e); n += e > 0 ? 1 : 0; }
    const c = await decodeImage(f, "native", "x");
    console.log(list[i], meta.space, meta.channels, "gray max", m, "differ", n, c.channels);
  }
});
it("sheet", async () => {
  for (const split of ["train", "test"] as const) {
    const W = 25, H = 16; const s = new Uint8Array(W * H * 784); const o = new Uint8Array(784);
    const t0 = performance.now();
    for (let i = 0; i < W * H; i++) { drawDigit(split, i, o); const x0 = (i % W) * 28, y0 = Math.floor(i / W) * 28;
      for (let y = 0; y < 28; y++) for (let x = 0; x < 28; x++) s[(y0 + y) * W * 28 + x0 + x] = o[y * 28 + x]; }
    console.log(split, (W * H) / (performance.now() - t0) * 1000, "digits/s");
    await sharp(s, { raw: { width: W * 28, height: H * 28, channels: 1 } }).resize(W * 56, H * 56, { kernel: "nearest" }).png().toFile(`/tmp/dw/${split}.png`);
  }
});
