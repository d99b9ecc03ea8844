/** Rules of the house that neither the compiler nor the linter checks. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { SLOW_FILES } from "./support/slow-files.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = ["src", "codegen", "runtime", "proto", "native", "test", "benchmarks", "examples"];
const GENERATED = "proto/generated/";

const files: readonly string[] = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
    .filter((file) => /\.([cm]?ts|[cm]js|cc|h)$/.test(file) && !file.startsWith(GENERATED)),
);

/** Lines of a file, as `wc -l` counts them. */
const linesOf = (file: string): number => readFileSync(join(ROOT, file), "utf8").split("\n").length - 1;

it("no file is longer than 400 lines", () => {
  expect(files.length).toBeGreaterThan(500);
  expect(files.filter((file) => linesOf(file) > 400)).toEqual([]);
});

/** What may import what, lowest first; the dependency check knows the floors within these folders. */
const FLOORS = ["native", "proto", "codegen", "runtime", "src"];
const floorOf = (file: string): number => FLOORS.indexOf(file.split("/")[0]);
const sources = files.filter((file) => floorOf(file) >= 0);

it("no import goes up", () => {
  const upward = sources.flatMap((file) =>
    [...readFileSync(join(ROOT, file), "utf8").matchAll(/(?:from|import\() ?"(\.[^"]*)"/g)]
      .map(([, path]) => join(file, "..", path))
      .filter((target) => floorOf(target) > floorOf(file))
      .map((target) => `${file} → ${target}`),
  );
  expect(upward).toEqual([]);
});

it("a file's name says alone what it is", () => {
  const named = sources.map((file) => basename(file)).filter((name) => !/^index(\.browser)?\.ts$/.test(name));
  const twice = named.filter((name, i) => named.indexOf(name) !== i);
  expect(twice).toEqual([]);
});

it("the slow test files are where the list of them says", () => {
  expect(SLOW_FILES.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
