/**
 * docs/LAYERS.md is generated from the layer records and the schema. This test writes the page anew and compares:
 * `npx vitest run test/docs -u` accepts a change.
 */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type FieldInfo, messageInfo } from "../../proto/index.js";
import { knownLayerTypes, type LayerType, MISSING_TYPES } from "../../src/layers/index.js";

const count = ({ exact, min, max }: { exact?: number; min?: number; max?: number }): string => {
  if (exact !== undefined) return String(exact);
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (max !== undefined) return `up to ${max}`;
  return `${min ?? 0} or more`;
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

function defaultOf({ defaultValue, kind, repeated }: FieldInfo): string {
  if (repeated || kind.is === "message") return "";
  return kind.is === "scalar" && kind.scalar === "string"
    ? JSON.stringify(defaultValue)
    : String(defaultValue);
}

function section(type: LayerType): string {
  const lines = [`## ${type.type}`, "", type.summary];
  if (type.equation) lines.push("", `    ${type.equation}`);
  lines.push(
    "",
    `Bottoms: ${count(type.bottoms)}. Tops: ${type.topPerBottom ? "one for each bottom" : count(type.tops)}.` +
      (type.lossWeight ? ` Loss weight ${type.lossWeight} by default.` : "") +
      (type.feed ? " Feeds the net." : ""),
  );
  if (type.notes?.length) lines.push("", ...type.notes.map((note) => `- ${note}`));
  if (type.parameter) {
    const kind = messageInfo("LayerParameter").byName.get(type.parameter)?.kind;
    if (kind?.is === "message") {
      lines.push("", `\`${type.parameter}\`:`, "", "| field | type | default |", "|---|---|---|");
      for (const field of messageInfo(kind.message).fields)
        lines.push(`| \`${field.name}\` | ${typeOf(field)} | ${defaultOf(field)} |`);
    }
  }
  return lines.join("\n");
}

it("docs/LAYERS.md is what the records say", async () => {
  const types = [...knownLayerTypes().values()].sort((a, b) => (a.type < b.type ? -1 : 1));
  const page = `# Layers

Generated from the layer records (\`src/layers/catalogue/\`) and the schema (\`proto/caffe.proto\`). ${types.length} types:
${types.map(({ type }) => `[${type}](#${type.toLowerCase()})`).join(", ")}.

Caffe 1.0 also has, and Cortado does not have yet: ${[...MISSING_TYPES].sort().join(", ")}. A net that uses one of
them gets an error that says so.

${types.map(section).join("\n\n")}
`;
  await expect(page).toMatchFileSnapshot(fileURLToPath(new URL("../../docs/LAYERS.md", import.meta.url)));
});
