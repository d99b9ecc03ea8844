import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { generateTypes } from "../../proto/generate.js";

it("proto/generated/caffe.ts is in step with proto/caffe.proto", () => {
  const read = (path: string) => readFileSync(new URL(`../../proto/${path}`, import.meta.url), "utf8");
  expect(read("generated/caffe.ts") === generateTypes(read("caffe.proto")), "run `npm run generate`").toBe(
    true,
  );
});
