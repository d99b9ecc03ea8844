/** Which layers of a net have a wrong gradient by themselves: a failing net, made smaller. */
import { withFields } from "../../proto/index.js";
import { knownLayerTypes, type LayerType, type LoweredNet } from "../layers/index.js";
import { formatNet, type NetDef } from "../net-text/index.js";
import { checkGradient } from "./check-random-net.js";
import { bottomDomains } from "./input-domains.js";
import { netText } from "./net-text.js";
import { type InputDomain, isDifferentiable, type RandomNet } from "./random-net.js";
import type { GradientFailure } from "./report.js";

/** A layer whose gradient is wrong is found with one of so many draws of its values. */
const DRAWS = 5;

/** The net's own text, and the failures of its layers taken one by one; none where each is right alone. */
export async function smallestFailure(net: {
  readonly definition: NetDef;
  readonly lowered: LoweredNet;
  readonly phase: "TRAIN" | "TEST";
  readonly layers?: readonly LayerType[];
}): Promise<{ readonly whole: string; readonly smaller: readonly GradientFailure[] }> {
  const { definition, lowered, phase, layers } = net;
  const known = knownLayerTypes(layers);
  const smaller: GradientFailure[] = [];
  for (const [index, layer] of definition.net.layer.entries()) {
    const type = known.get(layer.type);
    if (phase !== "TRAIN" || !type || !isDifferentiable(type) || layer.bottom.length === 0) continue;
    const shapes = lowered.layers[index].bottomNodes.map(({ shape }) => shape);
    const domains = bottomDomains(type, layer, shapes);
    // One blob may be several bottoms; each has values of its own.
    const inputs = shapes.map((shape, i): InputDomain => ({ blob: `in${i}`, shape, ...domains[i] }));
    const alone = withFields(layer, {
      bottom: inputs.map(({ blob }) => blob),
      top: layer.top.map((_, i) => `out${i}`),
      include: [],
      exclude: [],
    });
    const text = netText(inputs, [alone], true);
    for (let seed = 1; seed <= DRAWS; seed++) {
      const net: RandomNet = { text, inputs, seed };
      const { outcome, backward, differences, error } = await checkGradient(net, { layers });
      if (outcome !== "different") continue;
      smaller.push({ prototxt: text, seed, along: "everything", backward, differences, error });
      break;
    }
  }
  return { whole: formatNet(definition.net), smaller };
}
