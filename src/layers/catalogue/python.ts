import { quoted } from "../../../proto/words/names.js";
import { defineLayer } from "../record.js";

export const python = defineLayer({
  type: "Python",
  parameter: "python_param",
  summary: "A layer written in Python, which Cortado does not run: write it with `defineLayer`.",
  notes: [
    "A layer type of the user's own that is named Python, given to compile as `layers`, takes its place.",
  ],
  bottoms: {},
  tops: {},
  lower({ parameter: { module, layer }, fail }) {
    const [field, what] =
      layer === ""
        ? ["module", `module ${quoted(module)}`]
        : ["layer", `class ${quoted(layer)} of module ${quoted(module)}`];
    return fail(`Cortado does not run Python, which ${what} is written in`, field, {
      hint: `say what ${layer === "" ? "it" : quoted(layer)} computes with defineLayer, give the layer the new type's name, and pass it on: compile(net, { layers: [yours] })`,
    });
  },
  domain: { differentiable: [] },
});
