/**
 * docs/LAYERS.md is generated from the layer records, the schema, and what an example of each type shows when it is
 * lowered, differentiated and planned. This test writes the page anew and compares, and runs every example:
 * `npx vitest run test/docs -u` accepts a change.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { CortadoError } from "../../proto/errors/index.js";
import { type FieldInfo, messageInfo } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { inputDomains } from "../../src/gradcheck/input-domains.js";
import { randomNetValues } from "../../src/gradcheck/net-values.js";
import { isDifferentiable } from "../../src/gradcheck/random-net.js";
import { knownLayerTypes, type LayerType } from "../../src/layers/index.js";
import { compile } from "../../src/net/compile.js";
import { parseNet, selectLayers } from "../../src/net-text/index.js";
import { exampleOf, exampleText, type LayerExample } from "../support/layer-examples.js";
import { inPlaceOrWhyNot, whatBackwardKeeps } from "../support/layer-facts.js";
import { lowerText } from "../support/lowered.js";
import { scratchFolder } from "../support/scratch.js";
import { settingsRead } from "../support/settings-read.js";
import { shapeRule } from "../support/shape-rule.js";

const PAGE = fileURLToPath(new URL("../../docs/LAYERS.md", import.meta.url));

const types = [...knownLayerTypes().values()].sort((a, b) => (a.type < b.type ? -1 : 1));

/** Types that only say what to do instead. */
const REFUSED: ReadonlySet<string> = new Set(["Python", "Recurrent"]);

const count = ({ exact, min, max }: { exact?: number; min?: number; max?: number }): string => {
  if (exact !== undefined) return String(exact);
  if (min !== undefined && max !== undefined) return min === max ? String(min) : `${min} to ${max}`;
  if (max !== undefined) return `up to ${max}`;
  return min === undefined ? "any number" : `${min} or more`;
};

function typeOf({ kind, repeated }: FieldInfo): string {
  const one =
    kind.is === "scalar"
      ? kind.scalar
      : kind.is === "message"
        ? kind.message
        : [...kind.byName.keys()].join(" \\| ");
  return repeated ? `${one}, repeated` : one;
}

function defaultOf({ defaultValue, kind, repeated, required }: FieldInfo): string {
  if (required) return "must be given";
  if (repeated || kind.is === "message") return "";
  return kind.is === "scalar" && kind.scalar === "string"
    ? JSON.stringify(defaultValue)
    : String(defaultValue);
}

/** Blocks of settings as tables: what the definition looks at, and what it does not. */
function settings(type: LayerType, example: LayerExample): readonly string[] {
  if (REFUSED.has(type.type)) return [];
  return [...settingsRead(type, example)].flatMap(([block, read]) => {
    const kind = messageInfo("LayerParameter").byName.get(block)?.kind;
    const fields = kind?.is === "message" ? messageInfo(kind.message).fields : [];
    const shown = fields.filter(({ name }) => read.has(name));
    const others = fields.filter(({ name }) => !read.has(name)).map(({ name }) => `\`${name}\``);
    if (shown.length === 0) return [];
    return [
      "",
      `| \`${block}\` | type | default |`,
      "|---|---|---|",
      ...shown.map((field) => `| \`${field.name}\` | ${typeOf(field)} | ${defaultOf(field)} |`),
      ...(others.length > 0 ? ["", `Not looked at: ${others.join(", ")}.`] : []),
    ];
  });
}

const showExtents = (extents: readonly string[]): string =>
  extents.length === 0 ? "a scalar" : extents.join("×");

/** Shape rule, parameters, what backward keeps, in place: one line each. */
function facts(type: LayerType, example: LayerExample): readonly string[] {
  if (type.feed || REFUSED.has(type.type)) return [];
  const lines: string[] = [];
  const rule = shapeRule(example);
  const lowered = lowerText(exampleText(example));
  const { params } = lowered.layers.at(-1)!;
  if (rule && example.tops.length > 0) {
    const side = (shapes: Readonly<Record<string, readonly string[]>>): string =>
      Object.entries(shapes)
        .map(([name, extents]) => `\`${name}\` ${showExtents(extents)}`)
        .join(", ");
    const from = side(rule.bottoms);
    lines.push(`Shapes: ${from === "" ? "" : `${from} → `}${side(rule.tops)}.`);
  }
  if (params.length > 0) {
    const kinds = params.map(({ index }, i) => {
      const shape = showExtents(rule?.params[i] ?? params[i].shape.map(String));
      return `${i}: ${shape}${lowered.params[index].kind === "state" ? " (kept, not learned)" : ""}`;
    });
    lines.push(`Parameters: ${kinds.join("; ")}.`);
  }
  const keeps = whatBackwardKeeps(type, example);
  lines.push(keeps === undefined ? "Backward: it has no gradient." : `Backward keeps: ${keeps}.`);
  const inPlace = inPlaceOrWhyNot(type, example);
  if (inPlace !== undefined) lines.push(`In place: ${inPlace}.`);
  return ["", ...lines.map((line) => `- ${line}`)];
}

/** What a type says that Cortado does not run. */
function refusal(example: LayerExample): readonly string[] {
  try {
    lowerText(exampleText(example));
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    return error.diagnostics.flatMap(({ message, hint }) => ["", `    ${message}`, `    ${hint}`]);
  }
  throw new Error(`${example.type} compiles`);
}

function section(type: LayerType): string {
  const example = exampleOf(type);
  const lines = [`## ${type.type}`, "", type.summary];
  if (type.equation) lines.push("", `    ${type.equation}`);
  if (type.notes?.length) lines.push("", ...type.notes.map((note) => `- ${note}`));
  if (REFUSED.has(type.type)) {
    lines.push(...refusal(example));
  } else {
    lines.push(
      "",
      `Bottoms: ${count(type.bottoms)}. Tops: ${type.topPerBottom ? "one for each bottom" : count(type.tops)}.` +
        (type.lossWeight ? ` Loss weight ${type.lossWeight} by default.` : "") +
        (type.feed ? " Feeds the net." : ""),
    );
  }
  lines.push(...facts(type, example), ...settings(type, example));
  lines.push("", "```", exampleText(example).trimEnd(), "```");
  return lines.join("\n");
}

const HEAD = `Generated by \`test/docs/layers.test.ts\` from the layer records (\`src/layers/catalogue/\`), the schema
(\`proto/caffe.proto\`) and what the example of each type shows. The examples are run by the same test, forward and, where
there is a gradient, backward.

- Shapes and parameters are those of the example, for any extents N, C, H, W … of its bottoms (found by lowering it with
  several). Numbers come from its settings.
- What backward keeps is what the planner keeps of forward's values when the layer stands between two others; parameters
  and what comes from above are not counted. "Values of its own" have no name in the net.
- In place: whether the planner writes the top over the bottom where every operation runs by itself. In a whole net layers
  are fused, and a bottom often is never in memory at all. A prototxt may write any layer in place: that is only a name,
  and its gradients are right.
- Settings are those that the layer looks at. What it does not look at has no effect: engines, and what old files are
  upgraded from.`;

describe("docs/LAYERS.md", () => {
  it("is what the records and their examples say", { timeout: 600_000 }, async () => {
    const page = `# Layers

${HEAD}

${types.length} types: ${types.map(({ type }) => `[${type}](#${type.toLowerCase()})`).join(", ")}.

${types.map(section).join("\n\n")}
`;
    await expect(page).toMatchFileSnapshot(PAGE);
  });
});

describe("the examples run", () => {
  const scratch = scratchFolder();

  /** What the examples' data layers read. */
  async function writeData(): Promise<void> {
    const grey = Buffer.alloc(12 * 12, 100);
    const png = await sharp(grey, { raw: { width: 12, height: 12, channels: 1 } })
      .png()
      .toBuffer();
    writeFileSync(join(scratch.path, "image.png"), png);
    scratch.file("images.txt", "image.png 1\nimage.png 0\n");
    const windows = ["3 0.9 1 1 8 8", "0 0.1 2 2 9 9"];
    scratch.file("windows.txt", `# 0\nimage.png\n3\n12\n12\n${windows.length}\n${windows.join("\n")}\n`);
    scratch.file("rows.txt", "rows.h5\n");
  }

  const run = async (type: LayerType): Promise<void> => {
    const example = exampleOf(type);
    const text = exampleText(example);
    const net = await compile(`force_backward: true\n${text}`, {
      phase: "TRAIN",
      target: "ts",
      root: scratch.path,
    });
    if (type.feed) {
      const outputs = await net.forward();
      expect(Object.keys(outputs).sort()).toEqual([...example.tops].sort());
    } else {
      const definition = selectLayers(parseNet(text), { phase: "TRAIN" });
      const lowered = lowerText(text);
      const inputs = inputDomains(lowered, definition);
      const values = randomNetValues({ text, inputs, seed: 1 }, lowered);
      const given = Object.fromEntries(
        [...values.inputs].map(([blob, x]) => [blob, Float32Array.from(x)] as const),
      );
      const outputs = await net.forward(given);
      for (const [blob, y] of Object.entries(outputs)) {
        expect(y.length, showShape(net.blobs[blob].shape)).toBe(
          net.blobs[blob].shape.reduce((a, b) => a * b, 1),
        );
        expect(y.every(Number.isFinite), blob).toBe(true);
      }
      if (isDifferentiable(type)) {
        const losses = new Set(Object.keys(net.lossWeights));
        const diffs = Object.entries(outputs)
          .filter(([blob]) => !losses.has(blob))
          .map(([blob, y]) => [blob, new Float32Array(y.length).fill(1)] as const);
        const { inputs: down, params } = await net.backward(Object.fromEntries(diffs));
        const gradients = [...Object.values(down), ...Object.values(params).flat()];
        expect(gradients.length).toBeGreaterThan(0);
        for (const gradient of gradients) expect(gradient.every(Number.isFinite)).toBe(true);
      }
    }
    await net.close();
  };

  it.each(types.filter(({ type }) => !REFUSED.has(type)))("$type", async (type) => {
    await writeData();
    // HDF5Data reads what HDF5Output has written.
    if (type.type === "HDF5Data") await run(knownLayerTypes().get("HDF5Output")!);
    await run(type);
  });
});
