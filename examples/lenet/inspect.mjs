// LeNet's backward pass, layer by layer: the size of every blob's diff and of every parameter's gradient.
//
//   node examples/lenet/inspect.mjs
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile } from "cortado";

const norm = (x) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

export async function run(log = console.log) {
  const path = fileURLToPath(new URL("train_test.prototxt", import.meta.url));
  const net = await compile(await readFile(path, "utf8"), { phase: "TRAIN", keep: "all" });
  const { loss } = await net.forward(); // the net's own data layer feeds it
  const { params } = await net.backward();
  log(`loss ${loss[0].toFixed(4)}, plan: ${(net.plan.arenaBytes / 2 ** 20).toFixed(2)} MiB`);
  log("layer     top       value      diff       gradients");
  const rows = [];
  for (const layer of [...net.layers].reverse()) {
    const [top] = layer.tops;
    const value = norm(await net.read(top));
    const diff = layer.needsBackward ? norm(await net.readDiff(top)) : undefined;
    const gradients = (params[layer.name] ?? []).map(norm);
    rows.push({ layer: layer.name, top, value, diff, gradients });
    log(
      `${layer.name.padEnd(10)}${top.padEnd(10)}${value.toFixed(3).padEnd(11)}${(diff?.toFixed(5) ?? "—").padEnd(11)}` +
        gradients.map((g) => g.toFixed(5)).join("  "),
    );
  }
  await net.close();
  return { loss: loss[0], rows };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run();
