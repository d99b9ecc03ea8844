/** docs/EXPORT.md names every layer type, cases that are there, options that exist, and operators that files have. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ModelProto } from "../../proto/generated/onnx.js";
import { decodeMessage } from "../../proto/index.js";
import { makeOnnx } from "../../src/export-onnx.js";
import { knownLayerTypes } from "../../src/layers/index.js";
import { cortado } from "../src/cli/support.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(`${root}docs/EXPORT.md`, "utf8");

/** The rows of the table below a heading, each a list of cells. */
const rows = (heading: string): readonly (readonly string[])[] =>
  text
    .slice(text.indexOf(`\n## ${heading}\n`) + 1)
    .split(/\n## /)[0]
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1)
    .map((line) => line.split("|").slice(1, -1));

const codeIn = (cell: string): readonly string[] =>
  Array.from(cell.matchAll(/`([^`]+)`/g), ([, code]) => code);

it("says of every type of layer what becomes of it", () => {
  const said = [...rows("What becomes what"), ...rows("What cannot be exported")]
    .map(([types]) => types)
    .join();
  const missing = [...knownLayerTypes().keys()].filter((type) => !new RegExp(`\\b${type}\\b`).test(said));
  // These are refused before anything is exported.
  expect(missing.sort()).toEqual(["Python", "Recurrent"]);
});

const cases = rows("Is it right?").flatMap(([, , cell]) => codeIn(cell));

it("names cases that are there", () => {
  expect(cases.length).toBeGreaterThan(15);
  expect(cases.filter((name) => !existsSync(`${root}test/fixtures/layers/${name}/net.prototxt`))).toEqual([]);
});

it("names the options of the command", async () => {
  const { stdout } = await cortado(["export", "--help"]);
  const flags = rows("Options").flatMap(([, cell]) => codeIn(cell));
  expect(flags.length).toBeGreaterThan(8);
  expect(flags.filter((flag) => !stdout.includes(`${flag} `))).toEqual([]);
});

/** The operators of a file. */
async function operatorsOf(net: string): Promise<readonly string[]> {
  const { bytes } = await makeOnnx(net);
  // The types of messages that are read are Caffe's: this one Cortado itself only writes.
  const { graph } = decodeMessage("ModelProto" as "NetParameter", bytes) as unknown as ModelProto;
  return [...new Set(graph?.node.map(({ op_type }) => op_type))];
}

describe("the operators of", () => {
  const said = new Set(rows("What becomes what").flatMap(([, cell]) => codeIn(cell)));
  it.each(cases)("%s are in the table", async (name) => {
    const net = readFileSync(`${root}test/fixtures/layers/${name}/net.prototxt`, "utf8");
    expect((await operatorsOf(net)).filter((operator) => !said.has(operator))).toEqual([]);
  });
});
