/** A graph becomes source in one place: nothing else of the package puts stages together. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Source files by their path from the root. */
const files = ["benchmarks", "codegen", "native", "proto", "runtime", "src"].flatMap((folder) =>
  readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })
    .sort()
    .filter((path) => /(?<!\.d)\.(ts|mts)$/.test(path) && !path.includes("node_modules"))
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`),
);

/** Files whose code, comments apart, has a match. */
function using(pattern: RegExp, inside = /^/): readonly string[] {
  return files.filter((path) => {
    if (!inside.test(path)) return false;
    const code = readFileSync(`${root}/${path}`, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    return pattern.test(code);
  });
}

test("there are files to look at", () => expect(files.length).toBeGreaterThan(200));

test("stages are run by the pipeline alone", () => {
  expect(using(/\bplanGraph\b/)).toEqual(["codegen/plan/index.ts"]);
  expect(using(/\blowerPlan\b/)).toEqual(["codegen/lower/lower-plan.ts", "codegen/pipeline.ts"]);
  expect(using(/\bPASSES\b/, /^(codegen|runtime)\//)).toEqual([
    "codegen/passes/index.ts",
    "codegen/pipeline.ts",
  ]);
  expect(using(/\bPLAN_PHASES\b/)).toEqual([
    "codegen/pipeline.ts",
    "codegen/plan/index.ts",
    "codegen/plan/phases.ts",
  ]);
});

test("the pipeline is run in one place", () => {
  expect(using(/\b(runPipeline|startCompilation|stagesOf)\b/)).toEqual([
    "codegen/pipeline.ts",
    "src/net/programs.ts",
  ]);
});

test("renderers and lowerings are reached through a target's record", () => {
  const outside = /^(src|runtime|benchmarks|codegen\/(?!targets\/))/;
  expect(using(/\b(renderTypeScript|renderCuda|cudaListing|groupRows)\b/, outside)).toEqual([]);
});
