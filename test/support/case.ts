/** Cases of the oracle: what Caffe was given and what it computed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Tensors of a safetensors file by name; float32 only, as the oracle writes them. */
export function readTensors(path: string): Map<string, { shape: readonly number[]; data: Float32Array }> {
  const bytes = readFileSync(path);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    bytes.subarray(8, 8 + headerLength).toString("utf8"),
  );
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = entry.data_offsets;
    const copy = new Uint8Array(bytes.subarray(8 + headerLength + from, 8 + headerLength + to));
    tensors.set(name, { shape: entry.shape, data: new Float32Array(copy.buffer) });
  }
  return tensors;
}

/** `layers/<case>/case.json`. */
export interface LayerCase {
  readonly phase: "TRAIN" | "TEST";
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly seeded: readonly string[];
  readonly loss: number;
  readonly loss_weights: Record<string, number>;
  readonly shapes: Record<string, readonly number[]>;
  readonly backward: boolean;
  readonly need_backward: Record<string, boolean>;
}

export interface FillRule {
  readonly shape: readonly number[];
  readonly seed?: number;
  readonly scale?: number;
  readonly offset?: number;
  readonly mod?: number;
}

export interface TensorSummary {
  readonly shape: readonly number[];
  readonly l2: number;
  readonly mean: number;
  readonly samples: readonly number[];
}

/** `nets/<case>/case.json`. */
export interface NetCase {
  readonly phase: "TRAIN" | "TEST";
  readonly inputs: Record<string, FillRule>;
  readonly params: Record<string, FillRule>;
  readonly blobs: Record<string, TensorSummary>;
  readonly seeds: Record<string, Omit<FillRule, "shape"> & { readonly onehot?: number }>;
  readonly diffs: Record<string, TensorSummary>;
  readonly pdiffs: Record<string, TensorSummary>;
  readonly need_backward: Record<string, boolean>;
}

export const readJson = <T>(...parts: string[]): T => JSON.parse(readFileSync(join(...parts), "utf8")) as T;

/** The oracle's fill rule: see its README. */
export function fillByRule(rule: FillRule & { readonly onehot?: number }): Float32Array {
  const count = rule.shape.reduce((a, b) => a * b, 1);
  const out = new Float32Array(count);
  if (rule.onehot !== undefined) {
    const [rows, channels] = [rule.shape[0], rule.shape[1]];
    const inner = count / (rows * channels);
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < inner; i++) out[(row * channels + rule.onehot) * inner + i] = 1;
    return out;
  }
  if (rule.mod !== undefined) {
    for (let i = 0; i < count; i++) out[i] = (7 * i + 3) % rule.mod;
    return out;
  }
  const [seed, scale, offset] = [rule.seed ?? 0, Math.fround(rule.scale ?? 1), Math.fround(rule.offset ?? 0)];
  const start = Math.imul(seed, 0x9e3779b9);
  for (let i = 0; i < count; i++) {
    let x = (i + start) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    const u = Math.fround(((x ^ (x >>> 16)) >>> 8) * 2 ** -23 - 1);
    out[i] = Math.fround(offset + Math.fround(scale * u));
  }
  return out;
}

/** ‖ours − theirs‖ / ‖theirs‖; where theirs is all zero, ‖ours‖. */
export function relativeError(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < theirs.length; i++) {
    difference += (ours[i] - theirs[i]) ** 2;
    norm += theirs[i] ** 2;
  }
  return norm > 0 ? Math.sqrt(difference / norm) : Math.sqrt(difference);
}

export const l2 = (x: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] ** 2;
  return Math.sqrt(sum);
};

/** The worst of: relative error of the L2 norm, and of the samples as a vector (against the tensor's own scale). */
export function summaryError(ours: Float32Array, theirs: TensorSummary): number {
  const count = theirs.shape.reduce((a, b) => a * b, 1);
  if (ours.length !== count) return Number.POSITIVE_INFINITY;
  const positions = Math.min(32, count);
  const samples = Array.from({ length: positions }, (_, k) => ours[Math.floor((k * count) / 32)]);
  const norm = theirs.l2 || 1;
  const sampleNorm = Math.max(l2(theirs.samples), (theirs.l2 / Math.sqrt(count)) * Math.sqrt(positions)) || 1;
  let difference = 0;
  for (let i = 0; i < positions; i++) difference += (samples[i] - theirs.samples[i]) ** 2;
  return Math.max(Math.abs(l2(ours) - theirs.l2) / norm, Math.sqrt(difference) / sampleNorm);
}

/** Layer types that a case's prototxt names. */
export const typesOf = (prototxt: string): readonly string[] =>
  [...prototxt.matchAll(/^layer \{.*?\btype: "(\w+)"/gm)].map((match) => match[1]);

/**
 * Whether Caffe computed no gradient in a case although it put diffs on outputs: without a loss and force_backward it
 * takes no layer to need backward. Cortado starts from the caller's diffs then; the file's parameter diffs are 0.
 */
export const withoutBackward = ({ loss_weights }: LayerCase, prototxt: string): boolean =>
  Object.keys(loss_weights).length === 0 && !/^force_backward: true/m.test(prototxt);

/** Types that Caffe builds as nets of their own, whose layers it logs as well. */
const UNROLLED: ReadonlySet<string> = new Set(["LSTM", "RNN"]);

/** What Caffe logged of the net's own layers, where `ours` are their names. */
export const loggedOfNet = (
  logged: Readonly<Record<string, boolean>>,
  types: readonly string[],
  ours: readonly string[],
): Readonly<Record<string, boolean>> =>
  types.some((type) => UNROLLED.has(type))
    ? Object.fromEntries(Object.entries(logged).filter(([name]) => ours.includes(name)))
    : logged;

/** Blobs of Caffe's own Split layers are not part of our graph; the blob they copy carries their sum. */
export const isSplitBlob = (name: string): boolean => /_split_\d+$/.test(name);

/** The blob that a split makes its copies of. */
export const withoutSplit = (name: string): string => name.replace(/_\w+_\d+_split_\d+$/, "");

/**
 * Cases whose own in-place is unsafe in Caffe: backward reads a value, or a diff, that was overwritten. Cortado's
 * gradient must be that of the same net written without in-place.
 */
export const OVERWRITTEN: ReadonlySet<string> = new Set(["Clip-inplace", "Log-inplace", "Power-inplace"]);

/** Here Caffe's Split shares its memory and a ReLU works in place on one top: all of them are overwritten. */
const SHARED_WITH_SPLIT = new Map([["net-reused-inplace-before-after", new Set(["data/h", "data/h2"])]]);

/** Agreement with Caffe, ‖ours − theirs‖ / ‖theirs‖ per tensor. */
export const LAYER_BOUND = 1e-4;
/** Below this share of the largest diff a difference is float32's rounding, Caffe's or ours. */
export const NOISE = 1e-7;

/** Compares one case's tensors by key, with the exceptions above; `note` hears each error that counts. */
export function compareCase(
  name: string,
  tensors: ReadonlyMap<string, { readonly data: Float32Array }>,
  note: (error: number, where: string) => void,
): (key: string, ours: ArrayLike<number> | undefined, theirs: ArrayLike<number>) => void {
  const diffs = [...tensors].filter(([key]) => /^(seed|diff|pdiff)\//.test(key));
  const scale = Math.max(...diffs.map(([, { data }]) => l2(data)), 0);
  return (key, ours, theirs) => {
    if (SHARED_WITH_SPLIT.get(name)?.has(key)) return;
    const error = relativeError(ours ?? new Float32Array(theirs.length), theirs);
    if (error > LAYER_BOUND && !key.startsWith("data") && error * (l2(theirs) || 1) <= NOISE * scale) return;
    note(error, `${name} ${key}`);
    if (!(error <= LAYER_BOUND)) throw new Error(`${key}: relative error ${error}`);
  };
}
