import { logged } from "../../proto/words/names.js";
import type { ParamMemory } from "../../runtime/device.js";
import type { Runner } from "../../runtime/net/runner.js";
import { shortNumber } from "../../runtime/solver/events.js";
import type { LoweredNet } from "../layers/lower-net.js";
import type { NetDef } from "../net-text/index.js";
import { watchedBottoms, watchedTops } from "./watch.js";

/** One line of a log, without its end. */
export type Log = (line: string) => void;

/** What Caffe's `debug_info` prints: mean absolute values of every blob, parameter and diff, layer by layer. */
export interface DebugInfo {
  forward(runner: Runner, log: Log): Promise<void>;
  /** `before`: the parameters, where the pass has updated them. */
  backward(runner: Runner, log: Log, before?: BeforeUpdate): Promise<void>;
  /** Reads the parameters before an update. */
  beforeUpdate(): Promise<BeforeUpdate>;
  /** Prints what an update made of them. */
  update(before: BeforeUpdate, log: Log): Promise<void>;
}

/** The learned parameters, in the order of `lowered.wanted.params`. */
export type BeforeUpdate = readonly ArrayLike<number>[];

interface DebugParts {
  readonly lowered: LoweredNet;
  readonly definition: NetDef;
  readonly params: readonly ParamMemory[];
}

/**
 * The lines of Net::ForwardDebugInfo, BackwardDebugInfo and UpdateDebugInfo, of programs that watch. The Split layers
 * that Caffe puts in are none here: each reader of a blob shows its own part of the diff.
 */
export function createDebugInfo({ lowered, definition, params }: DebugParts): DebugInfo {
  const { layers } = lowered;
  const tops = watchedTops(lowered);
  const bottoms = watchedBottoms(lowered);
  /** A parameter's name or, without one, its position. */
  const nameOf = (layer: number, position: number): string =>
    definition.net.layer[layer]?.param[position]?.name || String(position);
  /** Of a parameter: the layer that has it first, and its position there. */
  const ownerOf = (index: number): { readonly layer: number; readonly position: number } => {
    for (const [layer, { params: own }] of layers.entries()) {
      const position = own.findIndex((param) => param.index === index);
      if (position !== -1) return { layer, position };
    }
    return { layer: 0, position: 0 };
  };

  return {
    async forward(runner, log) {
      for (const [layer, { name, params: own }] of layers.entries()) {
        for (const { blob, key } of tops.filter((point) => point.layer === layer)) {
          const values = await runner.read("value", key);
          if (values)
            log(`    [Forward] Layer ${logged(name)}, top blob ${logged(blob)} data: ${mean(values)}`);
        }
        for (const [i, { index }] of own.entries())
          log(
            `    [Forward] Layer ${logged(name)}, param blob ${logged(nameOf(layer, i))} data: ${mean(await params[index].read())}`,
          );
      }
    },
    async backward(runner, log, before) {
      for (let layer = layers.length - 1; layer >= 0; layer--) {
        const { name, params: own } = layers[layer];
        for (const { blob, key } of bottoms.filter((point) => point.layer === layer).reverse()) {
          const values = await runner.read("diff", key);
          if (values)
            log(`    [Backward] Layer ${logged(name)}, bottom blob ${logged(blob)} diff: ${mean(values)}`);
        }
        for (const [i, { index }] of own.entries()) {
          const values = await runner.read("gradient", index);
          if (values) log(`    [Backward] Layer ${logged(name)}, param blob ${i} diff: ${mean(values)}`);
        }
      }
      const data: ArrayLike<number>[] = [];
      const diffs: ArrayLike<number>[] = [];
      for (const [i, index] of lowered.wanted.params.entries()) {
        data.push(before?.[i] ?? (await params[index].read()));
        diffs.push((await runner.read("gradient", index)) ?? []);
      }
      log(
        `    [Backward] All net params (data, diff): L1 norm = (${sumNorm(data)}, ${sumNorm(diffs)}); L2 norm = (${rootNorm(data)}, ${rootNorm(diffs)})`,
      );
    },
    beforeUpdate: () => Promise.all(lowered.wanted.params.map((index) => params[index].read())),
    async update(before, log) {
      for (const [i, index] of lowered.wanted.params.entries()) {
        const after = await params[index].read();
        const step = Float64Array.from(after, (x, at) => before[i][at] - x);
        const { layer, position } = ownerOf(index);
        log(
          `    [Update] Layer ${logged(layers[layer].name)}, param ${logged(nameOf(layer, position))} data: ${mean(before[i])}; diff: ${mean(step)}`,
        );
      }
    },
  };
}

/** The sum over all values of several arrays, in their order. */
function total(arrays: readonly ArrayLike<number>[], of: (x: number) => number): number {
  let sum = 0;
  for (const values of arrays) for (let i = 0; i < values.length; i++) sum += of(values[i]);
  return sum;
}

const sumNorm = (arrays: readonly ArrayLike<number>[]): string => shortNumber(total(arrays, Math.abs));
const rootNorm = (arrays: readonly ArrayLike<number>[]): string =>
  shortNumber(Math.sqrt(total(arrays, (x) => x * x)));

/** The mean absolute value, as C++ streams write it; 0 of nothing. */
function mean(values: ArrayLike<number>): string {
  return shortNumber(values.length === 0 ? 0 : total([values], Math.abs) / values.length);
}
