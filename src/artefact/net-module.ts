import { createHash } from "node:crypto";
import type { TargetName } from "../../codegen/targets/index.js";
import type { Tables } from "../../runtime/net/tables.js";
import { BUILT_MARK } from "./built-mark.js";
import { type Literal, literal, stringLiteral } from "./literal.js";
import { loaderText } from "./loader-text.js";
import type { TargetParts } from "./target-parts.js";

/** The text of net.js: the loader, the tables, and what the target adds. */
export async function moduleText(
  target: TargetName,
  tables: Omit<Tables, "build">,
  parts: TargetParts,
): Promise<{ readonly text: string; readonly build: string }> {
  const loader = await loaderText(target);
  const data = literal(tables as unknown as Literal);
  const hash = createHash("sha256");
  for (const piece of [loader, data, parts.text]) hash.update(piece).update("\0");
  for (const { path, bytes } of parts.files) hash.update(path).update("\0").update(bytes);
  const build = hash.digest("hex").slice(0, 32);
  const text = [
    `// ${BUILT_MARK} \`load\`, at the end, gives the net; its types are in net.d.ts.`,
    loader,
    `const tables = { build: ${stringLiteral(build)}, ...${data} };`,
    parts.text,
    "const places = {\n" +
      '  manifest: new URL("manifest.json", import.meta.url),\n' +
      '  weights: new URL("weights.safetensors", import.meta.url),\n' +
      "};",
    `export const load = loader(tables, places, openDevice${parts.options.length > 0 ? `, ${literal(parts.options.map(({ name }) => name))}` : ""});`,
    "",
  ].join("\n\n");
  return { text, build };
}
