/** docs/DATA.md: every layer that it shows is one that Cortado takes. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { feedsOf } from "../../src/layers/index.js";
import { parseNet } from "../../src/net-text/index.js";

const page = readFileSync(fileURLToPath(new URL("../../docs/DATA.md", import.meta.url)), "utf8");
const nets = [...page.matchAll(/```prototxt\n([^`]*)```/g)].map(([, text]) => text);

it("shows four data layers", () => {
  expect(nets).toHaveLength(4);
});

it.each(nets.map((text, i) => [i, text] as const))("layer %i", (_, text) => {
  expect(feedsOf(parseNet(text, { name: "DATA.md" }), "TRAIN")).toHaveLength(1);
});
