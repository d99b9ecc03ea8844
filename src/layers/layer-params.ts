import type { GraphBuilder } from "../../codegen/ir/builder.js";
import { type Node, type Shape, sameShape, sizeOf } from "../../codegen/ir/graph.js";
import {
  createMessage,
  type FillerParameter,
  type LayerParameter,
  type ParamSpec,
} from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import { type FailDetail, gives } from "./record.js";

/** A parameter blob of the net, owned by the first layer that has it. */
export interface LoweredParam {
  /** The layer that owns it, and its position there; of a carried value, among those that the layer carries. */
  readonly layer: string;
  readonly position: number;
  readonly shape: Shape;
  /** How it gets its first values; without one they are `value`, or 0. */
  readonly filler: FillerParameter | undefined;
  readonly value: number | undefined;
  readonly lrMult: number;
  readonly decayMult: number;
  /**
   * `state`: kept by the layer itself (BatchNorm's statistics), not learned. `carried`: no parameter blob at all but
   * what a layer carries from one forward to the next; in no weight file, not shared, without solver history.
   */
  readonly kind: "learned" | "state" | "carried";
  readonly node: Node;
}

/** A parameter as one layer sees it. */
export interface LayerParam {
  /** Which of the net's parameters it is. */
  readonly index: number;
  readonly shape: Shape;
  readonly lrMult: number;
  readonly decayMult: number;
}

interface Owner extends Omit<LoweredParam, "lrMult" | "decayMult"> {
  lrMult: number;
  decayMult: number;
  /** Whether a `param` spec said so, rather than the default. */
  lrGiven: boolean;
  decayGiven: boolean;
  /** Whether some layer learns it. */
  learned: boolean;
}

/** A request for a parameter blob. */
export interface ParamRequest {
  readonly layer: LayerParameter;
  readonly position: number;
  readonly shape: Shape;
  readonly filler?: FillerParameter;
  readonly value?: number;
  readonly kind: "learned" | "state";
  readonly fail: (message: string, field?: string, detail?: FailDetail) => never;
}

/** Collects the parameters of a net while its layers are lowered. */
export interface ParamTable {
  /** The parameter, new or shared by name, and what it is in the graph for this layer. */
  add(request: ParamRequest): { readonly index: number; readonly node: Node; readonly learns: boolean };
  /** What a layer carries from one forward to the next, the layer's `position`-th. Starts at 0. */
  carry(
    layer: LayerParameter,
    position: number,
    shape: Shape,
  ): { readonly index: number; readonly node: Node };
  /** All, in the order in which they were made. */
  all(): readonly LoweredParam[];
  /** Those that some layer learns. */
  learned(): readonly number[];
  seenBy(indices: readonly { readonly index: number; readonly shape: Shape }[]): readonly LayerParam[];
}

const DEFAULT_SPEC = createMessage("ParamSpec");

/**
 * An empty table. Net::AppendParam is the rule: a blob with a name that came before is the earlier one, of the same
 * shape (PERMISSIVE: the same count), and multipliers given twice must agree. A blob whose lr_mult is 0 is seen
 * through `stop`, unless `forceBackward`.
 */
export function createParamTable(builder: GraphBuilder, forceBackward: boolean): ParamTable {
  const owners: Owner[] = [];
  const byName = new Map<string, number>();
  return {
    add(request) {
      const { layer, position, shape, kind, fail } = request;
      const spec = layer.param[position] ?? DEFAULT_SPEC;
      if (kind === "state" && gives(spec, "lr_mult") && spec.lr_mult !== 0)
        fail(`blob ${position} is a statistic that is not learned: its lr_mult must be 0`, "lr_mult", {
          in: spec,
        });
      let index = spec.name === "" ? undefined : byName.get(spec.name);
      if (index === undefined) {
        index = owners.length;
        if (spec.name !== "") byName.set(spec.name, index);
        owners.push({
          layer: layer.name,
          position,
          shape,
          filler: request.filler,
          value: request.value,
          kind,
          node: builder.param(index, shape),
          lrMult: kind === "state" ? 0 : spec.lr_mult,
          decayMult: kind === "state" ? 0 : spec.decay_mult,
          lrGiven: gives(spec, "lr_mult"),
          decayGiven: gives(spec, "decay_mult"),
          learned: false,
        });
      } else {
        share(owners[index], spec, request);
      }
      const owner = owners[index];
      const learns = spec.lr_mult !== 0;
      if (kind === "learned" && (learns || forceBackward)) owner.learned = true;
      const node = builder.reshape(owner.node, shape);
      return { index, node: learns || forceBackward || kind === "state" ? node : builder.stop(node), learns };
    },
    carry(layer, position, shape) {
      const index = owners.length;
      const node = builder.param(index, shape);
      owners.push({
        layer: layer.name,
        position,
        shape,
        filler: undefined,
        value: undefined,
        kind: "carried",
        node,
        lrMult: 0,
        decayMult: 0,
        lrGiven: false,
        decayGiven: false,
        learned: false,
      });
      return { index, node };
    },
    all: () =>
      owners.map(({ layer, position, shape, filler, value, kind, node, lrMult, decayMult }) => ({
        layer,
        position,
        shape,
        filler,
        value,
        kind,
        node,
        lrMult,
        decayMult,
      })),
    learned: () => owners.flatMap(({ learned }, index) => (learned ? [index] : [])),
    seenBy: (own) =>
      own.map(({ index, shape }) => ({
        index,
        shape,
        lrMult: owners[index].lrMult,
        decayMult: owners[index].decayMult,
      })),
  };
}

/** Checks that a later use of a name fits its owner, and takes over the multipliers that it gives. */
function share(owner: Owner, spec: ParamSpec, { shape, kind, fail }: ParamRequest): void {
  const at = { in: spec };
  const name = quoted(spec.name);
  const sameCount = sizeOf(shape) === sizeOf(owner.shape);
  const permissive = spec.share_mode === "PERMISSIVE";
  if (!(permissive ? sameCount : sameShape(shape, owner.shape)))
    fail(
      `parameter ${name} has shape ${showShape(shape)} here, and ${showShape(owner.shape)} in layer ${quoted(owner.layer)}, with which it is shared`,
      "name",
      {
        ...at,
        hint: sameCount
          ? "share_mode: PERMISSIVE shares blobs of another shape with as many values"
          : undefined,
      },
    );
  if (kind !== owner.kind)
    fail(`parameter ${name} is a statistic in one layer and learned in another`, "name", at);
  if (kind === "state") return;
  for (const field of ["lr_mult", "decay_mult"] as const) {
    if (!gives(spec, field)) continue;
    const [value, given] =
      field === "lr_mult" ? (["lrMult", "lrGiven"] as const) : (["decayMult", "decayGiven"] as const);
    if (owner[given] && owner[value] !== spec[field])
      fail(
        `parameter ${name} has ${field} ${spec[field]} here and ${owner[value]} in layer ${quoted(owner.layer)}, with which it is shared`,
        field,
        at,
      );
    owner[value] = spec[field];
    owner[given] = true;
  }
}
