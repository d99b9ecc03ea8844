import { quoted } from "../../../proto/words/names.js";
import { defineLayer } from "../record.js";

export const python = defineLayer({
  type: "Python",
  parameter: "python_param",
  summary: "A layer written in Python, which Cortado does not run: write it with `defineLayer`.",
  notes: [
    "A layer type of the user's own that is named Python, given to compile as `layers`, takes its place.",
    "A data layer, without bottoms, whose tops all get shapes (`shapes` of compile, --shape) is as many inputs, which the caller fills.",
  ],
  bottoms: {},
  tops: {},
  lower({ parameter: { module, layer: name }, layer, topCount, givenShape, input, fail }) {
    const isSource = layer.bottom.length === 0 && topCount > 0;
    const shapes = layer.top.map((_, top) => givenShape(top));
    if (isSource && shapes.every((shape) => shape !== undefined))
      return shapes.map((shape, top) => input(top, shape));
    const [field, what] =
      name === ""
        ? ["module", `module ${quoted(module)}`]
        : ["layer", `class ${quoted(name)} of module ${quoted(module)}`];
    const asInputs = isSource
      ? `give the shapes of its tops, as shapes of compile or by --shape, and they are inputs: ${layer.top.map(quoted).join(", ")}. Or `
      : "";
    return fail(`Cortado does not run Python, which ${what} is written in`, field, {
      hint: `${asInputs}say what ${name === "" ? "it" : quoted(name)} computes with defineLayer, give the layer the new type's name, and pass it on: compile(net, { layers: [yours] })`,
    });
  },
  domain: { differentiable: [] },
});
