/** The code of docs/OWN-LAYERS.md runs, and says what the page says. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { checkGradients } from "../../src/check-gradients.js";
import type { LayerType } from "../../src/layers/index.js";
import { compile } from "../../src/net/compile.js";

const page = readFileSync(new URL("../../docs/OWN-LAYERS.md", import.meta.url), "utf8");
const blocks = (language: string): readonly string[] =>
  Array.from(page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g")), ([, code]) => code);

it("defines the layers that it defines", async () => {
  const source = new URL("../../src/index.ts", import.meta.url).href;
  // The definitions; what compiles a file of the reader's own is left out.
  const modules = blocks("js")
    .filter((code) => code.includes("export const"))
    .map((code) => code.replace('"cortado"', JSON.stringify(source)).replace(/^const net = .*$/m, ""));
  expect(modules).toHaveLength(2);
  const folder = await mkdtemp(join(tmpdir(), "cortado-docs-"));
  try {
    const types: LayerType[] = [];
    for (const [i, code] of modules.entries()) {
      const path = join(folder, `layer${i}.mjs`);
      await writeFile(path, code);
      const found = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as Record<string, LayerType>;
      types.push(...Object.values(found));
    }
    expect(types.map(({ type }) => type)).toEqual(["SwishBeta", "ChannelMean"]);
    for (const type of types) {
      const domain = { shapes: () => [[2, 3, 2]] };
      const { failures } = await checkGradients({ ...type, domain }, { runs: 10 });
      expect(failures).toHaveLength(0);
    }
    const [layer] = blocks("prototxt");
    const input = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }\n';
    const net = await compile(input + layer, { layers: types });
    const { y } = await net.forward({ x: Float32Array.of(1) });
    expect(y[0]).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    await net.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("tells how long the examples' layers are", () => {
  for (const [, name, lines] of page.matchAll(/examples\/([\w-]+) (?:is a loss|a function) in (\d+)/g))
    expect(
      readFileSync(new URL(`../../examples/${name}/${name}.mjs`, import.meta.url), "utf8")
        .trimEnd()
        .split("\n"),
    ).toHaveLength(Number(lines));
});
