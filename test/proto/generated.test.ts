import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { generateTypes, SCHEMAS } from "../../proto/generate.js";

it.each(SCHEMAS)("proto/generated/%s.ts is in step with its schema", (name) => {
  const read = (path: string) => readFileSync(new URL(`../../proto/${path}`, import.meta.url), "utf8");
  const made = generateTypes(name, read(`${name}.proto`));
  expect(read(`generated/${name}.ts`) === made, "run `npm run generate`").toBe(true);
});
