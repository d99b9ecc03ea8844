/**
 * docs/EXTRAS.md is generated from the records of the extras. This test writes the page anew and compares:
 * `npx vitest run test/docs -u` accepts a change. Its examples are compiled.
 */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type FieldInfo, messageInfo } from "../../proto/index.js";
import { extras, type LayerType } from "../../src/layers/index.js";
import { compile } from "../../src/net/compile.js";

/** A layer of each type, over blobs x0, x1 … of these shapes. */
const EXAMPLES: Readonly<
  Record<string, { readonly shapes: readonly (readonly number[])[]; readonly inside: string }>
> = {
  Axpy: {
    shapes: [
      [1, 64],
      [1, 64, 14, 14],
      [1, 64, 14, 14],
    ],
    inside: "",
  },
  ConvolutionDepthwise: {
    shapes: [[1, 24, 14, 14]],
    inside: "convolution_param { num_output: 24 kernel_size: 3 pad: 1 }",
  },
  DepthwiseConvolution: {
    shapes: [[1, 32, 28, 28]],
    inside: 'convolution_param { num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "msra" } }',
  },
  Interp: { shapes: [[1, 21, 33, 33]], inside: "interp_param { zoom_factor: 8 }" },
  Normalize: {
    shapes: [[1, 16, 19, 19]],
    inside:
      'norm_param { across_spatial: false channel_shared: false scale_filler { type: "constant" value: 20 } }',
  },
  Permute: { shapes: [[1, 16, 19, 19]], inside: "permute_param { order: 0 order: 2 order: 3 order: 1 }" },
  ReLU6: { shapes: [[1, 32]], inside: "" },
  ShuffleChannel: { shapes: [[1, 24, 14, 14]], inside: "shuffle_channel_param { group: 3 }" },
  Upsample: { shapes: [[1, 16, 13, 13]], inside: "upsample_param { scale: 2 }" },
};

function exampleOf({ type }: LayerType): string {
  const { shapes, inside } = EXAMPLES[type];
  const bottoms = shapes.map((_, i) => `  bottom: "x${i}"`);
  return [
    "layer {",
    `  name: "${type.toLowerCase()}"`,
    `  type: "${type}"`,
    ...bottoms,
    '  top: "y"',
    ...(inside ? [`  ${inside}`] : []),
    "}",
  ].join("\n");
}

const count = ({ exact, min, max }: LayerType["bottoms"]): string =>
  exact !== undefined ? String(exact) : max === undefined ? `${min ?? 0} or more` : `${min ?? 0} to ${max}`;

function row({ name, id, kind, repeated, defaultValue }: FieldInfo): string {
  const one =
    kind.is === "scalar"
      ? kind.scalar
      : kind.is === "message"
        ? kind.message
        : [...kind.byName.keys()].join(" \\| ");
  const otherwise = repeated || kind.is === "message" ? "" : String(defaultValue);
  return `| \`${name}\` | ${id} | ${one}${repeated ? ", repeated" : ""} | ${otherwise} |`;
}

function settingsOf({ param, declared, parameter }: LayerType): readonly string[] {
  if (declared?.kind.is === "message") {
    const number =
      param?.number === undefined
        ? "which has no number that forks agree on"
        : `field ${param.number} of a layer`;
    const head = [
      "",
      `\`${declared.name}\`, ${number}:`,
      "",
      "| field | number | type | default |",
      "|---|---|---|---|",
    ];
    return [...head, ...declared.kind.info().fields.map(row)];
  }
  return parameter === undefined
    ? []
    : ["", `Its settings stand in Caffe's \`${parameter}\`: see [LAYERS.md](LAYERS.md).`];
}

const section = (type: LayerType): string =>
  [
    `## ${type.type}`,
    "",
    type.summary,
    ...(type.equation ? ["", `    ${type.equation}`] : []),
    "",
    `Bottoms: ${count(type.bottoms)}. Tops: ${type.topPerBottom ? "one for each bottom" : count(type.tops)}.`,
    ...(type.notes?.length ? ["", ...type.notes.map((note) => `- ${note}`)] : []),
    ...settingsOf(type),
    "",
    "```prototxt",
    exampleOf(type),
    "```",
  ].join("\n");

it("docs/EXTRAS.md is what the records say", async () => {
  const page = `# Extras

Generated from the records in \`src/layers/extras/\`. Layer types that common forks of Caffe added, and BVLC Caffe 1.0 does
not have. A net knows them only when it is compiled with them:

\`\`\`js
import { compile, extras } from "cortado";

const net = await compile("net.prototxt", { layers: extras });
\`\`\`

or, on the command line, \`--layers extras\`. Without that they are errors that say so. Field numbers are those that
the forks used where they agree; weight files of these forks are read whatever numbers they have, since weights go by
layer and blob alone. Other types are a page of your own: [OWN-LAYERS.md](OWN-LAYERS.md).

${extras.length} types: ${extras.map(({ type }) => `[${type}](#${type.toLowerCase()})`).join(", ")}.

${extras.map(section).join("\n\n")}
`;
  await expect(page).toMatchFileSnapshot(fileURLToPath(new URL("../../docs/EXTRAS.md", import.meta.url)));
});

it.each(extras.map((type) => [type.type, type] as const))(
  "the example of %s compiles",
  async (name, type) => {
    const inputs = EXAMPLES[name].shapes.map(
      (shape, i) =>
        `layer { name: "x${i}" type: "Input" top: "x${i}" input_param { shape { ${shape.map((dim) => `dim: ${dim}`).join(" ")} } } }`,
    );
    const net = await compile([...inputs, exampleOf(type)].join("\n"), { layers: extras });
    expect(net.outputs).toContain("y");
    await net.close();
  },
);

it("numbers that forks agree on are none of Caffe's", () => {
  const { byId } = messageInfo("LayerParameter");
  for (const { param } of extras) if (param?.number !== undefined) expect(byId.has(param.number)).toBe(false);
});
