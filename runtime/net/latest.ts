import { quoted } from "../../proto/words/names.js";
import type { ParamMemory } from "../device.js";
import type { ErrorStyle, Mistake } from "./mistakes.js";

/**
 * A program, or a net that ran for a part of this one, where a call left what it computed. Each function refuses what
 * has no memory of its own there.
 */
export interface Holder {
  value(blob: string): Promise<Float32Array>;
  diff(blob: string): Promise<Float32Array>;
  paramDiff(param: ParamMemory): Promise<Float32Array>;
}

/** A call that ran some layers only. */
export interface Part {
  readonly holder: Holder;
  /** `layers "conv1" to "pool2"`, for messages. */
  readonly layers: string;
  /** The blobs that it read and made. */
  readonly blobs: ReadonlySet<string>;
  readonly params: ReadonlySet<ParamMemory>;
  /** Whether a blob beside those is still what it was computed from. */
  readonly keeps: (blob: string) => boolean;
  /** Whether it computed the values that were there, so that what ran before may still be differentiated. */
  readonly repeats: boolean;
}

/**
 * Which values of a net are those of the last calls, and who holds them. What only an earlier call computed is refused:
 * a value is never of another forward than its neighbours.
 */
export interface Latest {
  /** A forward or a step begins: until it has ended, nothing is current. */
  begin(): void;
  /** All values are the holder's; diffs are of the past. */
  forward(holder: Holder): void;
  /** Likewise, with diffs, and no backward may follow. */
  step(holder: Holder): void;
  /** As `forward`, of a part. */
  partForward(part: Part): void;
  /** The holder has the diffs that belong to the values. */
  backward(holder: Holder): void;
  partBackward(part: Part): void;
  /** What is wrong with differentiating what this holder ran, if anything. */
  backwardLacks(holder: Holder | undefined, what?: string): readonly Mistake[];
  /**
   * @param unkept what to say of a blob that nobody keeps, rather than why nobody has it now
   * @throws what `style` makes of it where the last calls did not compute it
   */
  valueOf(blob: string, unkept?: Mistake): Holder;
  diffOf(blob: string, unkept?: Mistake): Holder;
  /** @param what `parameter 0 of layer "ip"`, for messages */
  diffOfParam(param: ParamMemory, what: string): Promise<Float32Array>;
}

/** @param blobs of the net */
export function createLatest(blobs: () => Iterable<string>, { error }: Pick<ErrorStyle, "error">): Latest {
  /** Who holds what no part has taken over. */
  let whole: Holder | undefined;
  let lack = "before the first forward";
  /** Blobs that parts computed since, or (undefined) left behind. */
  const parts = new Map<string, Holder | undefined>();
  let lastPart = "";
  /** What a backward would differentiate. */
  let differentiable: readonly Holder[] = [];
  let differentiableLack = "";
  let diffs: { readonly holder: Holder; readonly part?: Part } | undefined;

  const begin = (): void => {
    [whole, lack] = [undefined, "since the last forward failed"];
    parts.clear();
    [differentiable, differentiableLack] = [[], ""];
    diffs = undefined;
  };
  const refuse = (message: string, hint?: string): never => {
    throw error([{ message, ...(hint !== undefined && { hint }) }]);
  };
  const older = (what: string, { layers }: Part): never =>
    refuse(`${what} is of an earlier backward: the last one was of ${layers}`);
  return {
    begin,
    forward(holder) {
      begin();
      whole = holder;
      differentiable = [holder];
    },
    step(holder) {
      begin();
      whole = holder;
      differentiableLack = ": what ran last was a step, with a backward of its own";
      diffs = { holder };
    },
    partForward(part) {
      for (const blob of blobs()) {
        if (part.blobs.has(blob)) parts.set(blob, part.holder);
        else if (!part.keeps(blob)) parts.set(blob, undefined);
      }
      lastPart = part.layers;
      differentiable = part.repeats
        ? [...differentiable.filter((one) => one !== part.holder), part.holder]
        : [part.holder];
      differentiableLack = `: what ran last were ${part.layers}`;
      diffs = undefined;
    },
    backward(holder) {
      diffs = { holder };
    },
    partBackward(part) {
      diffs = { holder: part.holder, part };
    },
    backwardLacks: (holder, what = "") =>
      holder !== undefined && differentiable.includes(holder)
        ? []
        : [{ message: `backward needs a forward${what} before it${differentiableLack}` }],
    valueOf(blob, unkept) {
      const holder = parts.has(blob) ? parts.get(blob) : whole;
      if (holder) return holder;
      if (unkept) throw error([unkept]);
      return parts.has(blob)
        ? refuse(
            `the value of ${quoted(blob)} is of an earlier forward: what ran last were ${lastPart}`,
            "run a forward of the whole net, or of a range that makes it",
          )
        : refuse(`${quoted(blob)} has no value ${lack}`);
    },
    diffOf(blob, unkept) {
      if (!diffs && unkept) throw error([unkept]);
      if (!diffs) return refuse(`${quoted(blob)} has no diff before backward`);
      if (diffs.part?.blobs.has(blob) === false) older(`the diff of ${quoted(blob)}`, diffs.part);
      return diffs.holder;
    },
    async diffOfParam(param, what) {
      if (!diffs) return refuse(`${what} has no diff before backward`);
      if (diffs.part?.params.has(param) === false) older(`the diff of ${what}`, diffs.part);
      return diffs.holder.paramDiff(param);
    },
  };
}
