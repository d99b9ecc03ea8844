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

/** Of values, and of gradients where rounding decides nothing: in nets of few layers, and in those of fifty. */
const BOUND = 1e-5;
const DEEP_BOUND = 1e-3;
/** What flips of single elements may do to a gradient at most, in L2. */
const FLIP_BOUND = 1e-2;
/** Float32 against float64, both ours: rounding alone. In the deepest nets (Xception) our float32 meets flips too. */
const ROUNDING_BOUND = 1e-5;
/**
 * By so much of itself each parameter is moved, one after the other, until ours has moved far enough: from a few units in the
 * last place on. Where Caffe's gradient is another than ours since an element stood on its edge, that moves ours
 * as well; a fault stays where it is.
 */
const MOVES = [2 ** -20, 2 ** -19, 2 ** -18, 2 ** -17];
/** How many times as far as its own moves a gradient may be from Caffe's. */
const LEEWAY = 2;

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

interface OpenNet {
  /** Forward and backward, with each parameter moved by up to `move` of itself. */
  run(move?: number): Promise<Run>;
  close(): Promise<void>;
}

const paramOf = (key: string): readonly [layer: string, index: number] => {
  const cut = key.lastIndexOf("/");
  return [key.slice(0, cut), Number(key.slice(cut + 1))];
};

async function openNet(
  name: string,
  wanted: NetCase,
  options: Pick<CompileOptions, "target" | "dtype">,
): Promise<OpenNet> {
  const net = await compile(textOf(name), { phase: wanted.phase, keep: "all", ...options });
  const inputs = Object.entries(wanted.inputs).map(([blob, rule]) => [blob, fillByRule(rule)]);
  const seeds = Object.entries(wanted.seeds).map(([blob, rule]) => [
    blob,
    fillByRule({ ...rule, shape: net.blobs[blob].shape }),
  ]);
  return {
    async run(move = 0) {
      for (const [key, rule] of Object.entries(wanted.params)) {
        const [layer, index] = paramOf(key);
        const values = fillByRule(rule);
        const moves =
          move > 0 && fillByRule({ shape: rule.shape, seed: 7919 + (rule.seed ?? 0) + Math.round(1 / move) });
        await net.params[layer][index].write(
          moves ? values.map((x, i) => x * (1 + move * moves[i])) : values,
        );
      }
      await net.forward(Object.fromEntries(inputs));
      const values = new Map<string, Float32Array>();
      for (const [blob, summary] of Object.entries(wanted.blobs)) {
        if (/_split_\d+$/.test(blob)) continue;
        expect(net.blobs[blob].shape, blob).toEqual(summary.shape);
        values.set(`data/${blob}`, await net.read(blob));
      }
      const { params } = await net.backward(Object.fromEntries(seeds));
      const gradients = new Map<string, Float32Array>();
      for (const blob of Object.keys(wanted.diffs)) gradients.set(`diff/${blob}`, await net.readDiff(blob));
      for (const key of Object.keys(wanted.pdiffs)) {
        const [layer, index] = paramOf(key);
        gradients.set(`pdiff/${key}`, params[layer][index]);
      }
      return { values, gradients };
    },
    close: () => net.close(),
  };
}

/**
 * Refuses what is far from Caffe's and does not move with its own rounding. How many of them are within rounding of our
 * own float64: those differ by flips in Caffe alone.
 */
async function explainFar(
  far: ReadonlyMap<string, number>,
  ours: Run,
  net: OpenNet,
  openExact: () => Promise<OpenNet>,
  roundingBound: number,
): Promise<string> {
  const moved = new Map<string, number>();
  const unexplained = (): string[] =>
    [...far].flatMap(([key, error]) => (error > LEEWAY * (moved.get(key) ?? 0) ? [key] : []));
  let moves = 0;
  while (moves < MOVES.length && unexplained().length > 0) {
    const { gradients } = await net.run(MOVES[moves++]);
    for (const key of far.keys()) {
      const distance = relativeError(gradients.get(key)!, ours.gradients.get(key)!);
      moved.set(key, Math.max(distance, moved.get(key) ?? 0));
    }
  }
  expect(unexplained(), "far from Caffe's, and not for rounding").toEqual([]);
  const exactNet = await openExact();
  const exact = await exactNet.run();
  await exactNet.close();
  let alone = 0;
  for (const [key, error] of far) {
    expect(error, key).toBeLessThanOrEqual(FLIP_BOUND);
    const rounding = relativeError(ours.gradients.get(key)!, exact.gradients.get(key)!);
    if (rounding <= ROUNDING_BOUND) alone++;
    expect(rounding, key).toBeLessThanOrEqual(roundingBound);
  }
  return (
    `; ${far.size} gradients differ by flips, ${alone} of them in Caffe alone (ours agree with float64); ` +
    `ours flip too when parameters move by ${MOVES[moves - 1].toExponential(1)}`
  );
}

/** One net: every blob, image gradient and parameter gradient against Caffe's summaries. */
export async function checkNetCase(
  name: string,
  target: "ts" | "wasm" | "native" | "emulator" | "cuda",
): Promise<void> {
  for (const { type } of parseNet(textOf(name)).net.layer) expect(known.has(type), type).toBe(true);
  const wanted = readJson<NetCase>(oraclePath("nets"), name, "case.json");
  const summaryOf = (key: string): TensorSummary => {
    const rest = key.slice(key.indexOf("/") + 1);
    return (key.startsWith("data") ? wanted.blobs : key.startsWith("diff") ? wanted.diffs : wanted.pdiffs)[
      rest
    ];
  };
  const net = await openNet(name, wanted, { target });
  const ours = await net.run();
  const bound = QUICK_NETS.includes(name) ? BOUND : DEEP_BOUND;
  let worst = { error: 0, where: "" };
  const far = new Map<string, number>();
  for (const [key, tensor] of [...ours.values, ...ours.gradients]) {
    const error = summaryError(tensor, summaryOf(key));
    if (error > worst.error) worst = { error, where: key };
    if (error > bound && ours.gradients.has(key)) far.set(key, error);
    else expect(error, key).toBeLessThanOrEqual(bound);
  }
  // Targets that sum in float32, as Caffe does, round as much as Caffe.
  const roundingBound = target === "ts" && QUICK_NETS.includes(name) ? ROUNDING_BOUND : FLIP_BOUND;
  const openExact = (): Promise<OpenNet> => openNet(name, wanted, { target: "ts", dtype: "float64" });
  const flips = far.size > 0 ? await explainFar(far, ours, net, openExact, roundingBound) : "";
  await net.close();
  console.log(
    `nets/${name} on ${target}: worst relative error ${worst.error.toExponential(1)} at ${worst.where}${flips}`,
  );
}
