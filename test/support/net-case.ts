/** The oracle's nets/, run through the public API on any target. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type CompileOptions, compile, knownLayerTypes, parseNet } from "../../src/index.js";
import {
  fillByRule,
  type NetCase,
  readJson,
  relativeError,
  summaryError,
  type TensorSummary,
} from "./case.js";
import { hasOracle, oraclePath } from "./oracle.js";

const BOUND = 1e-3;
/** What flips of single elements may do to a gradient, in L2. */
const FLIP_BOUND = 1e-2;
/**
 * Float32 against float64, both ours: rounding alone. In the deepest nets (Xception) our float32 meets such flips too, and
 * then the bound is theirs.
 */
const ROUNDING_BOUND = 1e-5;

export const QUICK_NETS: readonly string[] = [
  "alexnet-deploy",
  "caffenet-saliency",
  "cifar10-full",
  "lenet-deploy",
  "mnist-autoencoder",
  "mtcnn-det1",
  "resnet-10",
];
const present = hasOracle();
const known = knownLayerTypes();
const textOf = (name: string): string => readFileSync(join(oraclePath("nets"), name, "net.prototxt"), "utf8");
export const allNets: readonly string[] = present ? readdirSync(oraclePath("nets")) : QUICK_NETS;

/** What Caffe summarised of one run, computed here. */
interface Run {
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

async function runNet(
  name: string,
  wanted: NetCase,
  options: Pick<CompileOptions, "target" | "dtype">,
): Promise<Run> {
  const net = await compile(textOf(name), { phase: wanted.phase, keep: "all", ...options });
  const paramOf = (key: string): [string, number] => {
    const cut = key.lastIndexOf("/");
    return [key.slice(0, cut), Number(key.slice(cut + 1))];
  };
  for (const [key, rule] of Object.entries(wanted.params)) {
    const [layer, index] = paramOf(key);
    await net.params[layer][index].write(fillByRule(rule));
  }
  await net.forward(
    Object.fromEntries(Object.entries(wanted.inputs).map(([blob, rule]) => [blob, fillByRule(rule)])),
  );
  const values = new Map<string, Float32Array>();
  for (const [blob, summary] of Object.entries(wanted.blobs)) {
    if (/_split_\d+$/.test(blob)) continue;
    expect(net.blobs[blob].shape, blob).toEqual(summary.shape);
    values.set(`data/${blob}`, await net.read(blob));
  }
  const seeds = Object.entries(wanted.seeds).map(([blob, rule]) => [
    blob,
    fillByRule({ ...rule, shape: net.blobs[blob].shape }),
  ]);
  const { params } = await net.backward(Object.fromEntries(seeds));
  const gradients = new Map<string, Float32Array>();
  for (const blob of Object.keys(wanted.diffs)) gradients.set(`diff/${blob}`, await net.readDiff(blob));
  for (const key of Object.keys(wanted.pdiffs)) {
    const [layer, index] = paramOf(key);
    gradients.set(`pdiff/${key}`, params[layer][index]);
  }
  await net.close();
  return { values, gradients };
}

/** One net: every blob, image gradient and parameter gradient against Caffe's summaries. */
export async function checkNetCase(name: string, target: "ts" | "emulator" | "cuda"): Promise<void> {
  // Targets that sum in float32, as Caffe does, round as much as Caffe.
  const roundingBound = target === "ts" ? ROUNDING_BOUND : FLIP_BOUND;
  for (const { type } of parseNet(textOf(name)).net.layer) expect(known.has(type), type).toBe(true);
  const wanted = readJson<NetCase>(oraclePath("nets"), name, "case.json");
  const summaryOf = (key: string): TensorSummary => {
    const rest = key.slice(key.indexOf("/") + 1);
    return (key.startsWith("data") ? wanted.blobs : key.startsWith("diff") ? wanted.diffs : wanted.pdiffs)[
      rest
    ];
  };
  const { values, gradients } = await runNet(name, wanted, { target });
  let worst = { error: 0, where: "" };
  const flipped: string[] = [];
  let ours = 0;
  for (const [key, tensor] of [...values, ...gradients]) {
    const error = summaryError(tensor, summaryOf(key));
    if (error > worst.error) worst = { error, where: key };
    if (error > BOUND && gradients.has(key)) flipped.push(key);
    else expect(error, key).toBeLessThanOrEqual(BOUND);
  }
  if (flipped.length > 0) {
    const exact = await runNet(name, wanted, { target: "ts", dtype: "float64" });
    for (const key of flipped) {
      expect(summaryError(gradients.get(key)!, summaryOf(key)), key).toBeLessThanOrEqual(FLIP_BOUND);
      const rounding = relativeError(gradients.get(key)!, exact.gradients.get(key)!);
      if (rounding > roundingBound) ours++;
      expect(rounding, key).toBeLessThanOrEqual(QUICK_NETS.includes(name) ? roundingBound : FLIP_BOUND);
    }
  }
  console.log(
    `nets/${name} on ${target}: worst relative error ${worst.error.toExponential(1)} at ${worst.where}` +
      (flipped.length > 0
        ? `; ${flipped.length} gradients differ by flips, ${flipped.length - ours} of them in Caffe alone (ours agree with float64)`
        : ""),
  );
}
