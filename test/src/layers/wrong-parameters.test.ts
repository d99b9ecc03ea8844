/**
 * Wrong settings, bottoms and tops of every layer type: each gets its own error at its place, from compile and from
 * `cortado check` alike, and nothing is written. The cases and what is said of them are in wrong-parameters.txt:
 * `npx vitest run test/src/layers/wrong -u` accepts a change. Labels out of range are found when the net runs.
 */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CortadoError, type Diagnostic, lineAndColumn } from "../../../proto/errors/index.js";
import { showShape } from "../../../proto/words/amounts.js";
import { knownLayerTypes } from "../../../src/layers/index.js";
import { compile } from "../../../src/net/compile.js";
import { exampleText, layerExamples } from "../../support/layer-examples.js";
import { lowerText } from "../../support/lowered.js";
import { scratchFolder } from "../../support/scratch.js";
import { cortado } from "../cli/support.js";

const CASES = fileURLToPath(new URL("wrong-parameters.txt", import.meta.url));

const SHAPES: Readonly<Record<string, readonly number[]>> = {
  x: [2, 3, 6, 6],
  m: [2, 5],
  n: [2, 6],
  l: [2],
  v: [3],
  q: [5, 5],
  s: [],
  t: [4, 2, 3],
  c: [4, 2],
  h: [1, 2, 3],
  f: [2, 3, 2, 2, 2],
};

/** Everything that a case may read, one layer a line. */
const INPUTS = Object.entries(SHAPES)
  .map(([name, shape]) => {
    const dims = shape.map((extent) => `dim: ${extent} `).join("");
    return `layer { name: "${name}" type: "Input" top: "${name}" input_param { shape { ${dims}} } }\n`;
  })
  .join("");
const LINE = Object.keys(SHAPES).length + 1;

interface Case {
  readonly type: string;
  /** What is wrong. */
  readonly about: string;
  readonly layer: string;
}

const [head, ...sections] = readFileSync(CASES, "utf8").split(/^## /m);
const cases = sections.flatMap((section): readonly Case[] => {
  const [type, ...blocks] = section.trimEnd().split("\n\n");
  return blocks.map((block) => {
    const [about, layer = ""] = block.split("\n");
    return { type, about, layer: layer.trim() };
  });
});

const scratch = scratchFolder();
const checked = scratchFolder();

/** What compile says of a layer that it must refuse. */
async function mistakesOf({ type, about, layer }: Case): Promise<readonly Diagnostic[]> {
  try {
    const net = await compile(INPUTS + layer, { phase: "TRAIN", target: "ts", root: scratch.path });
    await net.close();
  } catch (error) {
    if (error instanceof CortadoError) return error.diagnostics;
    throw error;
  }
  throw new Error(`${type}, ${about}: compiles`);
}

/** The mistake as it is written down: where it stands, what it says, what helps. */
function shown({ layer }: Case, { message, span, hint }: Diagnostic): string {
  if (!span) throw new Error(`no place: ${message}`);
  const { line, column } = lineAndColumn(span.source, span.start);
  if (line !== LINE) throw new Error(`in line ${line}, not in the layer: ${message}`);
  const length = Math.min(span.end - span.start, layer.length - column + 1);
  return [
    `${" ".repeat(column - 1)}${"^".repeat(length)}`,
    message,
    ...(hint === undefined ? [] : [`(${hint})`]),
  ]
    .map((text) => `    ${text}\n`)
    .join("");
}

describe("wrong layers", () => {
  it("has cases of every layer type that has settings, each once", () => {
    const types = sections.map((section) => section.slice(0, section.indexOf("\n")));
    // Types without settings need none here: wrong counts, below, are all that can be wrong with those of one bottom.
    const plain = new Set(
      [...knownLayerTypes().values()]
        .filter(({ parameter, declared, bottoms }) => !parameter && !declared && bottoms.exact === 1)
        .map(({ type }) => type),
    );
    const wanted = [...knownLayerTypes().keys()].filter((type) => !plain.has(type) || types.includes(type));
    expect(types).toEqual(wanted.sort());
    expect(new Set(cases.map(({ layer }) => layer)).size).toBe(cases.length);
    for (const { type, layer } of cases) expect(layer).toContain(`type: "${type}"`);
  });

  it("are refused by compile, each with its own mistake at its place", async () => {
    let page = head.trimEnd();
    let type = "";
    for (const one of cases) {
      if (one.type !== type) page += `\n\n## ${one.type}`;
      type = one.type;
      const mistakes = await mistakesOf(one);
      expect(mistakes.length, one.about).toBe(1);
      page +=
        `\n\n${one.about}\n    ${one.layer}\n${mistakes.map((mistake) => shown(one, mistake)).join("")}`.trimEnd();
    }
    await expect(`${page}\n`).toMatchFileSnapshot(CASES);
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  it("are reported by `cortado check` in the same words at the same places, and it writes nothing", async () => {
    const folder = checked;
    const files = cases.map(({ layer }, i) => folder.file(`${i}.prototxt`, `${INPUTS}${layer}\n`));
    const { code, stdout, stderr } = await cortado(["check", ...files, "--phase", "TRAIN", "--json"], {
      cwd: folder.path,
    });
    expect([code, stderr]).toEqual([2, ""]);
    const report = JSON.parse(stdout) as {
      files: { diagnostics: { message: string; line: number; column: number; severity: string }[] }[];
    };
    for (const [i, one] of cases.entries()) {
      const wanted = (await mistakesOf(one)).map(({ message, span }) => ({
        message,
        ...lineAndColumn(span!.source, span!.start),
      }));
      const errors = report.files[i].diagnostics.filter(({ severity }) => severity === "error");
      const reported = errors.map(({ message, line, column }) => ({ message, line, column }));
      expect([one.type, one.about, reported]).toEqual([one.type, one.about, wanted]);
    }
    expect(readdirSync(folder.path).length).toBe(cases.length);
  });
});

/** The layer, the values of the bottom with labels (all others hold ones), and what is said. */
const OUT_OF_RANGE: readonly (readonly [
  type: string,
  layer: string,
  blob: string,
  values: number[],
  message: string,
])[] = [
  [
    "Accuracy",
    `bottom: "m" bottom: "l" top: "y"`,
    "l",
    [4, 5],
    "labels must be from 0 to 4, for 5 classes: element 1 is 5",
  ],
  [
    "SoftmaxWithLoss",
    `bottom: "m" bottom: "l" top: "y"`,
    "l",
    [-1, 5],
    "labels must be from 0 to 4, for 5 classes: element 0 is -1",
  ],
  [
    "SoftmaxWithLoss",
    `bottom: "m" bottom: "l" top: "y" loss_param { ignore_label: 255 }`,
    "l",
    [255, 254],
    "labels must be from 0 to 4, for 5 classes: element 1 is 254",
  ],
  [
    "InfogainLoss",
    `bottom: "m" bottom: "l" bottom: "q" top: "y"`,
    "l",
    [0, 5],
    "labels must be from 0 to 4, for 5 classes: element 1 is 5",
  ],
  [
    "HingeLoss",
    `bottom: "m" bottom: "l" top: "y"`,
    "l",
    [0, Number.NaN],
    "labels must be from 0 to 4, for 5 classes: element 1 is NaN",
  ],
  [
    "MultinomialLogisticLoss",
    `bottom: "m" bottom: "l" top: "y"`,
    "l",
    [7, 0],
    "labels must be from 0 to 4, for 5 classes: element 0 is 7",
  ],
  [
    "Embed",
    `bottom: "l" top: "y" embed_param { num_output: 2 input_dim: 3 }`,
    "l",
    [2, 3],
    "positions must be from 0 to 2, for input_dim 3: element 1 is 3",
  ],
  [
    "BatchReindex",
    `bottom: "x" bottom: "l" top: "y"`,
    "l",
    [0, 2],
    "positions must be from 0 to 1, for a batch of 2: element 1 is 2",
  ],
];

describe("a bottom or a top too many", () => {
  const counted = [...knownLayerTypes().values()].flatMap(({ type, bottoms, tops }) =>
    [
      { type, what: "bottom", most: bottoms.exact ?? bottoms.max },
      { type, what: "top", most: tops.exact ?? tops.max },
    ].flatMap(({ most, ...rest }) => (most === undefined ? [] : [{ ...rest, most }])),
  );

  it.each(counted)("$type: a $what more than $most", async ({ type, what, most }) => {
    const example = layerExamples().find((one) => one.type === type)!;
    const given = what === "bottom" ? Object.keys(example.bottoms).length : example.tops.length;
    const added = Array.from({ length: most + 1 - given }, (_, i) => `more${i}`);
    const wrong =
      what === "bottom"
        ? {
            ...example,
            bottoms: { ...example.bottoms, ...Object.fromEntries(added.map((name) => [name, [2]])) },
          }
        : { ...example, tops: [...example.tops, ...added] };
    const failed = await compile(exampleText(wrong), { phase: "TRAIN", target: "ts" }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(CortadoError);
    const [{ message, span }, ...others] = (failed as CortadoError).diagnostics;
    expect(others).toEqual([]);
    const verb = what === "bottom" ? "takes" : "makes";
    expect(message).toMatch(
      new RegExp(`^layer "\\w+" \\(${type}\\): it ${verb} .* ${what} blobs?, and has ${most + 1}$`),
    );
    expect(span!.source.text.slice(span!.start, span!.end)).toBe(`"${added.at(-1)}"`);
  });
});

describe("labels out of range", () => {
  it("have a case for every type that looks at them", () => {
    const refused = new Set(["Python", "Recurrent"]);
    const looking = layerExamples().filter(
      (example) =>
        !refused.has(example.type) &&
        knownLayerTypes().get(example.type)?.lower &&
        lowerText(exampleText(example)).checks.length > 0,
    );
    expect([...new Set(OUT_OF_RANGE.map(([type]) => type))].sort()).toEqual(
      looking.map(({ type }) => type).sort(),
    );
  });

  it.each(OUT_OF_RANGE)("%s: %s %s %s", async (type, layer, blob, values, message) => {
    const used = [...layer.matchAll(/bottom: "(\w)"/g)].map(([, name]) => name);
    const inputs = INPUTS.split("\n").filter((line) => used.some((name) => line.includes(`name: "${name}"`)));
    const text = `${inputs.join("\n")}\nlayer { name: "it" type: "${type}" ${layer} }`;
    const net = await compile(text, { phase: "TRAIN", target: "ts" });
    const given = Object.fromEntries(
      used.map((name) => [name, new Float32Array(SHAPES[name].reduce((a, b) => a * b, 1)).fill(1)]),
    );
    await net.forward(given);
    const failed = await net
      .forward({ ...given, [blob]: Float32Array.from(values) })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CortadoError);
    const [mistake, ...others] = (failed as CortadoError).diagnostics;
    expect(others).toEqual([]);
    expect(mistake.message).toBe(`layer "it" (${type}): ${message}`);
    const { source, start } = mistake.span!;
    expect(lineAndColumn(source, start)).toEqual({ line: inputs.length + 1, column: 15 });
    await net.close();
  });
});

describe("weights of another shape", () => {
  const learning = layerExamples().filter(
    ({ type }) => knownLayerTypes().get(type)?.lower && !["Python", "Recurrent"].includes(type),
  );
  const cases = learning.flatMap((example) => {
    const { params } = lowerText(exampleText(example)).layers.at(-1)!;
    return params.length > 0 ? [{ example, type: example.type, params }] : [];
  });

  it.each(cases)("$type", async ({ example, type, params }) => {
    // One value more along the last axis of the last blob.
    const blobs = params.map(({ shape }, i) => {
      const wrong = i === params.length - 1 ? [...shape.slice(0, -1), (shape.at(-1) ?? 1) + 1] : shape;
      return { shape: wrong, data: new Float32Array(wrong.reduce((a, b) => a * b, 1)) };
    });
    const weights = { layers: [{ name: type.toLowerCase(), type, blobs }] };
    const failed = await compile(exampleText(example), { phase: "TRAIN", target: "ts", weights }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(CortadoError);
    const [{ message }, ...others] = (failed as CortadoError).diagnostics;
    expect(others).toEqual([]);
    expect(message).toContain(JSON.stringify(type.toLowerCase()));
    expect(message).toContain(showShape(blobs.at(-1)!.shape));
    expect(message).toContain(showShape(params.at(-1)!.shape));
  });
});
