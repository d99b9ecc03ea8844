/** Nets drawn from the layer records: one layer of a type, or several that read each other. */
import { withFields } from "../../proto/index.js";
import type { Shape } from "../ir/graph.js";
import type { Draw, LayerType } from "../layers/index.js";
import { addLayer, addTwin } from "./add-layer.js";
import { type DrawnNet, differentiableTypes } from "./drawn.js";
import { createSketch, type Start } from "./sketch.js";

/** One layer of a type over inputs. `type` may be one that Cortado does not have. */
export const singleLayerNet = (type: LayerType): fc.Arbitrary<DrawnNet> =>
  drawn((draw) => {
    const net = createSketch([type]);
    addLayer(draw, net, type, { shape: undefined });
    return net.finish(true);
  });

/** How many types are tried on a blob before the net does without that layer. */
const TRIES = 4;

/**
 * Two to six layers: chains, branches that join again, in-place layers, parameters shared by name, a loss at the end
 * or not, with force_backward or only as far down as there is something to learn.
 */
export const layeredNet: fc.Arbitrary<DrawnNet> = drawn((draw) => {
  const net = createSketch([]);
  const isLoss = (type: LayerType): boolean => (type.lossWeight ?? 0) !== 0;
  const inner = differentiableTypes.filter((type) => !isLoss(type));
  const losses = differentiableTypes.filter(isLoss);
  const count = draw.integer(2, 5);
  for (let i = 0; i < count; i++) {
    const blobs = net.blobs();
    // Mostly the newest blob, now and then one of those before it, or a new input.
    const back = [0, 0, 0, 0, 1, 2, 3][draw.integer(0, 6)];
    const from: Start = blobs[back] ?? { shape: drawInputShape(draw) };
    for (let tries = 0; tries < TRIES; tries++) if (addLayer(draw, net, draw.of(inner), from)) break;
    if (draw.integer(0, 2) === 2) addTwin(draw, net);
  }
  if (draw.boolean() && net.layers.length > 0) addLayer(draw, net, draw.of(losses), net.blobs()[0]);
  if (net.layers.length === 0) addLayer(draw, net, inner[0], { shape: undefined });
  return net.finish(!(net.learns() && draw.boolean()));
});

/** Mostly images, which most types take. */
function drawInputShape(draw: Draw): Shape {
  const rank = draw.of([4, 4, 4, 3, 2]);
  return Array.from({ length: rank }, (_, axis) => draw.integer(1, axis < 2 ? 3 : 5));
}

