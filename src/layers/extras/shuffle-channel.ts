import { showShape } from "../../../proto/words/amounts.js";
import { drawNewShape } from "../domain.js";
import { defineLayer } from "../record.js";

export const shuffleChannel = defineLayer({
  type: "ShuffleChannel",
  param: {
    name: "shuffle_channel_param",
    number: 164,
    fields: { group: { type: "uint32", default: 1, number: 1 } },
  },
  summary: "Deals the channels of each group out over all groups: ShuffleNet's.",
  equation: "y[n, j · group + i] = x[n, i · (C / group) + j], C the channels",
  bottoms: { exact: 1 },
  tops: { exact: 1 },
  lower({ builder, bottoms: [x], parameter: { group }, fail }) {
    if (x.shape.length < 2)
      fail(`the bottom must have at least 2 axes, not the shape ${showShape(x.shape)}`, undefined, {
        bottoms: [0],
      });
    if (group < 1) fail(`group must be positive, not ${group}`, "group");
    const [batch, channels, ...rest] = x.shape;
    if (channels % group !== 0)
      fail(`${channels} channels cannot be divided into ${group} groups`, "group", { bottoms: [0] });
    const inner = rest.reduce((product, extent) => product * extent, 1);
    const groups = builder.reshape(x, [batch, group, channels / group, inner]);
    return [builder.reshape(builder.transpose(groups, [0, 2, 1, 3]), x.shape)];
  },
  domain: {
    shapes: (draw, first) => {
      if (first) return first.length >= 2 ? [first] : undefined;
      const shape = drawNewShape(draw, 2, 4);
      return [shape.map((extent, axis) => (axis === 1 ? draw.of([6, 4, 1]) : extent))];
    },
    settings: (draw, [shape]) => ({
      shuffle_channel_param: { group: draw.of([1, 2, 3].filter((group) => shape[1] % group === 0)) },
    }),
  },
});
