// What in the image moves one class? CaffeNet has no loss layer here: the caller puts a diff on fc8, and the gradient
// comes back on the image.
//
//   node examples/caffenet-saliency/run.mjs [WEIGHTS.caffemodel] [IMAGE] [CLASS] [OUT.png]    ("" leaves one out)
//
// Without weights the net keeps small random ones: the map then shows the machinery, not what a trained net sees.
import { fileURLToPath } from "node:url";
import { compile } from "cortado";
import sharp from "sharp";

const SIDE = 227;
const MEAN = [104, 117, 123]; // BGR, the usual ImageNet means

async function readImage(path) {
  if (!path)
    return Float32Array.from(
      { length: 3 * SIDE * SIDE },
      (_, i) => 50 * Math.sin(i / 97) * Math.cos(i / 1013),
    );
  const { data } = await sharp(path)
    .resize(SIDE, SIDE, { fit: "fill" })
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const planes = new Float32Array(3 * SIDE * SIDE);
  for (let i = 0; i < SIDE * SIDE; i++)
    for (let c = 0; c < 3; c++) planes[c * SIDE * SIDE + i] = data[3 * i + 2 - c] - MEAN[c];
  return planes;
}

export async function run({ weights, image, category = 281, out, log = console.log } = {}) {
  const net = await compile(fileURLToPath(new URL("net.prototxt", import.meta.url)), { weights });
  if (!weights) {
    let seed = 1;
    for (const params of Object.values(net.params)) {
      const [w] = params;
      const fanIn = w.shape.slice(1).reduce((a, b) => a * b);
      await w.write(
        Float32Array.from({ length: w.shape.reduce((a, b) => a * b) }, () => {
          seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
          return (seed / 2 ** 31) * Math.sqrt(6 / fanIn);
        }),
      );
    }
  }
  const { fc8 } = await net.forward({ data: await readImage(image) });
  const diff = new Float32Array(1000);
  diff[category] = 1;
  const { inputs } = await net.backward({ fc8: diff });
  const gradient = inputs["data"];

  // A pixel's saliency: the greatest magnitude over its three channels (Simonyan et al. 2013).
  const saliency = Float32Array.from({ length: SIDE * SIDE }, (_, i) =>
    Math.max(...[0, 1, 2].map((c) => Math.abs(gradient[c * SIDE * SIDE + i]))),
  );
  const greatest = saliency.reduce((a, b) => Math.max(a, b), 0);
  log(
    `class ${category}: score ${fc8[category].toFixed(4)}, greatest |d score / d pixel| ${greatest.toExponential(3)}`,
  );
  if (out) {
    const grey = Uint8Array.from(saliency, (s) => Math.round((255 * s) / (greatest || 1)));
    await sharp(grey, { raw: { width: SIDE, height: SIDE, channels: 1 } })
      .png()
      .toFile(out);
    log(`wrote ${out}`);
  }
  await net.close();
  return { score: fc8[category], gradient, greatest };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [weights, image, category, out] = process.argv.slice(2);
  await run({
    weights: weights || undefined,
    image: image || undefined,
    category: Number(category || 281),
    out,
  });
}
