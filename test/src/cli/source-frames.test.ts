import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { sourceFrames } from "../../../src/cli/source-frames.js";
import { scratchFolder } from "../../support/scratch.js";

const scratch = scratchFolder();

it("frames of a module with a map are shown by their places in its source, others as they are", () => {
  const module = pathToFileURL(scratch.file("module.js", "a();\n")).href;
  // Line 1, column 1 came from line 3, column 5.
  writeFileSync(
    join(scratch.path, "module.js.map"),
    JSON.stringify({ version: 3, sources: ["../src/a.ts"], names: [], mappings: "AAEI" }),
  );
  const other = "    at b (file:///no/such/place.js:7:8)\n    at node:internal/process:1:2";
  const source = join(scratch.path, "../src/a.ts");
  expect(sourceFrames(`    at a (${module}:1:1)\n${other}`)).toBe(`    at a (${source}:3:5)\n${other}`);
});
