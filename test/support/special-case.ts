/** The oracle's special/: the layer cases with NaN, infinities, huge and tiny values, on any target. */
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { WASM_ARCHITECTURES } from "../../codegen/targets/wasm/wasm-description.js";
import { type CompileOptions, compile } from "../../src/index.js";
import type { CompiledNet } from "../../src/net/compiled-net.js";
import { isSplitBlob, l2, NOISE, readJson, readTensors } from "./case.js";
import { hasOracle, oraclePath } from "./oracle.js";
import { documentedFor } from "./special-kinds.js";
import { architecture } from "./wasm-engine.js";

interface SpecialCase {
  readonly phase: "TRAIN" | "TEST";
  readonly backward: boolean;
  readonly variants: readonly string[];
}

export const hasSpecial: boolean = hasOracle();
/** Their names; without an oracle one that stands for them all, to be skipped. */
export const specialCases: readonly string[] = hasSpecial
  ? readdirSync(oraclePath("special")).sort()
  : ["all cases"];

/** Finite values agree within this share of themselves, or of the tensor's ordinary size. */
const BOUND = 1e-4;
/** What is greater says nothing of the size of the others. */
const HUGE = 1e30;

const ordinary = (x: Float32Array): Float32Array => x.filter((value) => Math.abs(value) < HUGE);

/**
 * How many elements are not equal: NaN where Caffe has NaN, the same infinities, finite values by `BOUND`. `noise` is a
 * difference that does not count.
 */
function unequal(ours: ArrayLike<number>, theirs: Float32Array, noise: number): number {
  if (ours.length !== theirs.length) return theirs.length;
  const usual = ordinary(theirs);
  const size = l2(usual) / Math.sqrt(Math.max(1, usual.length));
  let count = 0;
  for (let i = 0; i < theirs.length; i++) {
    const [a, b] = [ours[i], theirs[i]];
    if (Object.is(a, b) || a === b) continue;
    const within = Math.max(BOUND * Math.max(size, Math.abs(b)), noise);
    if (!(Number.isFinite(b) && Math.abs(a - b) <= within)) count++;
  }
  return count;
}

/** What differs from Caffe in one case: the tensors by variant, and how. */
type Differences = ReadonlyMap<string, string>;

async function differencesOf(name: string, net: CompiledNet): Promise<Differences> {
  const { variants, backward } = readJson<SpecialCase>(oraclePath("special", name, "case.json"));
  const tensors = readTensors(oraclePath("special", name, "case.safetensors"));
  const group = (prefix: string) =>
    [...tensors].flatMap(([key, { data }]) =>
      key.startsWith(`${prefix}/`) ? [{ key: key.slice(prefix.length + 1), data }] : [],
    );
  const parameterOf = (key: string) => {
    const cut = key.lastIndexOf("/");
    return { layer: key.slice(0, cut), index: Number(key.slice(cut + 1)) };
  };
  const values = (prefix: string) => Object.fromEntries(group(prefix).map(({ key, data }) => [key, data]));
  const found = new Map<string, string>();
  for (const variant of variants) {
    const compare = (key: string, ours: ArrayLike<number>, theirs: Float32Array, noise = 0): void => {
      const count = unequal(ours, theirs, noise);
      if (count > 0) found.set(`${variant} ${key}`, `${count} of ${theirs.length} differ`);
    };
    for (const { key, data } of group("param")) {
      const { layer, index } = parameterOf(key);
      await net.params[layer][index].write(data);
    }
    await net.forward(values(`${variant}/input`));
    for (const { key, data } of group(`${variant}/data`))
      if (!isSplitBlob(key)) compare(`data/${key}`, await net.read(key), data);
    if (!backward) continue;
    const { params } = await net.backward(values("seed"));
    const [diffs, own] = [group(`${variant}/diff`), group(`${variant}/pdiff`)];
    const noise =
      NOISE * Math.max(...[...group("seed"), ...diffs, ...own].map(({ data }) => l2(ordinary(data))), 0);
    for (const { key, data } of diffs)
      if (!isSplitBlob(key)) compare(`diff/${key}`, await net.readDiff(key), data, noise);
    for (const { key, data } of own) {
      const { layer, index } = parameterOf(key);
      compare(`pdiff/${key}`, params[layer][index], data, noise);
    }
  }
  return found;
}

/** Where a target computes. */
function whereOf(target: CompileOptions["target"]): Parameters<typeof documentedFor>[1] {
  if (target === "wasm") return WASM_ARCHITECTURES[architecture].fma ? "relaxed" : "simd128";
  return target === "ts" || target === "native" ? target : "gpu";
}

/** The cases of one target: run with nets that are compiled anyway, or with their own. */
export function specialValues(target: CompileOptions["target"]) {
  const known = new Map<string, Differences>();
  const run = async (name: string, net: CompiledNet): Promise<void> => {
    if (specialCases.includes(name)) known.set(name, await differencesOf(name, net));
  };
  return {
    /** Runs a case on its net, which is kept whole; its results wait for `check`. */
    run,
    /** Each tensor equals Caffe's, or differs from it as documented; and what is documented does differ. */
    async check(name: string): Promise<void> {
      if (!known.has(name)) {
        const { phase } = readJson<SpecialCase>(oraclePath("special", name, "case.json"));
        const text = readFileSync(oraclePath("special", name, "net.prototxt"), "utf8");
        const net = await compile(text, { phase, keep: "all", target });
        await run(name, net);
        await net.close();
      }
      const documented = documentedFor(name, whereOf(target));
      const differences = known.get(name) ?? new Map<string, string>();
      const open = [...differences].flatMap(([key, how]) => (documented.has(key) ? [] : [`${key}: ${how}`]));
      const stale = [...documented].filter((key) => !differences.has(key));
      expect({ open, stale }).toEqual({ open: [], stale: [] });
    },
  };
}
