/** Where a net says that gradients go no further, backward is not the derivative of forward, and is not meant to be. */

import { type Node, nodesOf } from "../../codegen/ir/graph.js";
import { inputName, knownLayerTypes, type LayerType, type LoweredNet, schemaWith } from "../layers/index.js";
import { type NetDef, parseNet, selectLayers } from "../net-text/index.js";

/** Inputs and parameters that some `propagate_down: false` lies above: along them nothing can be compared. */
export interface HeldBack {
  readonly inputs: ReadonlySet<string>;
  /** By index. */
  readonly params: ReadonlySet<number>;
}

/** Of a net whose layers are those of its phase, or the text of one in phase TRAIN. */
export function heldBack(lowered: LoweredNet, net: string | NetDef, types?: readonly LayerType[]): HeldBack {
  const { net: definition } =
    typeof net === "string"
      ? selectLayers(parseNet(net, { schema: schemaWith(types) }), { phase: "TRAIN" })
      : net;
  const known = knownLayerTypes(types);
  const cut: Node[] = [];
  for (const [index, { type, propagate_down }] of definition.layer.entries())
    for (const [i, node] of lowered.layers[index].bottomNodes.entries()) {
      const forced = definition.force_backward && (known.get(type)?.forceBackward?.(i) ?? true);
      if (propagate_down[i] === false && !forced) cut.push(node);
    }
  const below = nodesOf({ roots: cut.map((node) => ({ role: "value", blob: "", node })) });
  const names = new Set(below.flatMap((node) => (node.op === "input" ? [node.name] : [])));
  return {
    inputs: new Set([...lowered.inputs.keys()].filter((blob) => names.has(inputName(blob)))),
    params: new Set(below.flatMap((node) => (node.op === "param" ? [node.index] : []))),
  };
}
