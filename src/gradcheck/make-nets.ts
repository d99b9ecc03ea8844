/** Random nets of what the layer records allow: one layer of a type, or several that read each other. */

import type { Shape } from "../../codegen/ir/graph.js";
import { present } from "../../proto/errors/index.js";
import { createMessage, type ParamSpec } from "../../proto/index.js";
import type { Draw, LayerType } from "../layers/index.js";
import { addLayer, addSharing } from "./add-layer.js";
import { createNetBuilder, lastLowered, type NetBuilder, type Start } from "./net-builder.js";
import { differentiableTypes, type MakeNet } from "./random-net.js";

/** One layer of a type over inputs. `type` may be one that Cortado does not have. */
export const singleLayerNet =
  (type: LayerType): MakeNet =>
  (draw) => {
    const net = createNetBuilder([type]);
    addLayer(draw, net, type, { shape: undefined });
    return net.finish(true);
  };

/** How many types are tried on a blob before the net does without that layer. */
const TRIES = 4;
const LOSS_WEIGHTS = [1, 0.5, 2, -1] as const;

/**
 * Two to nine layers: chains, branches that join again, in-place layers, parameters shared by name, layers that are
 * frozen (lr_mult 0) or pass nothing down, up to three losses with weights or none, with force_backward or only as
 * far down as there is something to learn.
 */
export const layeredNet: MakeNet = (draw) => {
  const net = createNetBuilder([]);
  const isLoss = (type: LayerType): boolean => (type.lossWeight ?? 0) !== 0;
  const types = differentiableTypes();
  const inner = types.filter((type) => !isLoss(type));
  const losses = types.filter(isLoss);
  const count = draw.integer(2, 5);
  for (let i = 0; i < count; i++) {
    const blobs = net.blobs();
    // Mostly the newest blob, now and then one of those before it, or a new input.
    const back = [0, 0, 0, 0, 1, 2, 3][draw.integer(0, 6)];
    const from: Start = blobs[back] ?? { shape: drawInputShape(draw) };
    for (let tries = 0; tries < TRIES; tries++)
      if (addLayer(draw, net, draw.of(inner), from)) {
        freeze(draw, net);
        break;
      }
    if (draw.integer(0, 2) === 2) addSharing(draw, net);
  }
  if (net.layers.length === 0) addLayer(draw, net, inner[0], { shape: undefined });
  const heads = draw.of([0, 1, 0, 1, 2, 3]);
  for (let i = 0; i < heads; i++) {
    const blobs = net.blobs();
    const from = blobs[i === 0 ? 0 : draw.integer(0, Math.min(2, blobs.length - 1))];
    if (addLayer(draw, net, draw.of(losses), from) && i > 0)
      net.amendLast({ loss_weight: [draw.of(LOSS_WEIGHTS)] });
  }
  return net.finish(!(net.learns() && draw.boolean()));
};

/** Now and then the last layer learns nothing, or passes nothing down to its bottoms. */
function freeze(draw: Draw, net: NetBuilder): void {
  const what = draw.integer(0, 9);
  if (what === 9)
    net.amendLast({ propagate_down: present(net.layers.at(-1), "the last layer").bottom.map(() => false) });
  if (what !== 8) return;
  const own = lastLowered(net.finish(false).text).params;
  if (own.length > 0)
    net.amendLast({ param: own.map((): ParamSpec => createMessage("ParamSpec", { lr_mult: 0 })) });
}

/** Mostly images, which most types take. */
function drawInputShape(draw: Draw): Shape {
  const rank = draw.of([4, 4, 4, 3, 2]);
  return Array.from({ length: rank }, (_, axis) => draw.integer(1, axis < 2 ? 3 : 5));
}
