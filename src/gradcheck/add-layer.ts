/** Layers as their records' own domains want them, added to a net under construction. */

import { type Shape, sameShape } from "../../codegen/ir/graph.js";
import { createMessage, type ParamSpec, withFields } from "../../proto/index.js";
import { type Draw, type LayerType, layerOf } from "../layers/index.js";
import { bottomDomains } from "./input-domains.js";
import { lastLowered, type NetBuilder, type Start } from "./net-builder.js";
import type { InputDomain } from "./random-net.js";

/** As many bottoms as the record asks for, all of one shape of 1 to 4 axes. */
function defaultShapes(
  draw: Draw,
  { bottoms }: LayerType,
  first: Shape | undefined,
): readonly Shape[] | undefined {
  if (first && (first.length < 1 || first.length > 4)) return undefined;
  const shape = first ?? Array.from({ length: draw.integer(1, 4) }, () => draw.integer(1, 5));
  const least = bottoms.exact ?? bottoms.min ?? 0;
  const most = bottoms.exact ?? bottoms.max ?? least + 1;
  return new Array<Shape>(draw.integer(least, most)).fill(shape);
}

/** Adds a layer of a type to the net. False where the type cannot take that first bottom. */
export function addLayer(draw: Draw, net: NetBuilder, type: LayerType, from: Start): boolean {
  const domain = type.domain ?? {};
  const shapes = domain.shapes ? domain.shapes(draw, from.shape) : defaultShapes(draw, type, from.shape);
  if (!shapes || (from.shape && !sameShape(shapes[0], from.shape))) return false;
  const name = net.newName("layer");
  const bare = layerOf(type, { name, ...domain.settings?.(draw, shapes) });
  const domains = bottomDomains(type, bare, shapes);
  const readable = (i: number): boolean => {
    const { values, differentiable } = domains[i];
    return differentiable && !(values.kind === "real" && values.bounded);
  };
  if (from.name !== undefined && !readable(0)) return false;

  const inputs: InputDomain[] = [];
  const bottom = shapes.map((shape, i): string => {
    if (i === 0 && from.name !== undefined) return from.name;
    // A join: another blob of the shape, where there is one.
    const others = i > 0 && readable(i) ? net.blobs().filter((blob) => sameShape(blob.shape, shape)) : [];
    if (others.length > 0 && draw.integer(0, 3) > 0) return draw.of(others).name;
    const input = { blob: net.newName("in"), shape, ...domains[i] };
    inputs.push(input);
    return input.blob;
  });
  const count = type.autoTop
    ? 1
    : (domain.tops?.(draw, shapes) ?? type.tops.exact ?? Math.max(1, type.tops.min ?? 1));
  const tops = type.topPerBottom ? shapes.length : count;
  const inPlace = type.inPlace === true && tops === 1 && draw.integer(0, 2) === 2;
  const top = Array.from({ length: tops }, (_, i) => (inPlace && i === 0 ? bottom[0] : net.newName("blob")));
  const weight = type.autoTop && draw.integer(0, 3) === 3 ? { loss_weight: [0.5] } : {};
  return net.add(withFields(bare, { bottom, top, ...weight }), inputs);
}

/** Adds a copy of the last layer over another blob of the same shape, with the same parameters by name. */
export function addSharing(draw: Draw, net: NetBuilder): void {
  const { layers } = net;
  const last = layers.at(-1);
  if (last?.bottom.length !== 1 || last.top.length !== 1) return;
  const own = lastLowered(net.finish(false).text);
  if (own.params.length === 0) return;
  const { shape } = own.bottomNodes[0];
  const others = net.blobs().filter((blob) => sameShape(blob.shape, shape));
  const names = own.params.map((): ParamSpec => createMessage("ParamSpec", { name: net.newName("shared") }));
  const isState = last.type === "BatchNorm";
  if (isState || others.length === 0) return;
  net.amendLast({ param: names });
  const bottom = [draw.of(others).name];
  net.add(
    withFields(last, { name: net.newName("layer"), bottom, top: [net.newName("blob")], param: names }),
    [],
  );
}
