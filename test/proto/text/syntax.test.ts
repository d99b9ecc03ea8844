import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createDiagnostics, type Diagnostic, lineAndColumn } from "../../../proto/errors/index.js";
import type { MessageName } from "../../../proto/index.js";
import { parseMessage } from "../../../proto/text/parse-text.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

const typeOfFile = (name: string): MessageName =>
  name.includes("solver") ? "SolverParameter" : "NetParameter";

function parseFile(folder: string, name: string): readonly Diagnostic[] {
  const text = readFileSync(oraclePath("syntax", folder, name), "utf8");
  const diagnostics = createDiagnostics();
  parseMessage({ name, text }, typeOfFile(name), diagnostics);
  return diagnostics.all;
}

/**
 * The line that Caffe would name. Its parser points at the token after the one it stumbled over, which for an
 * unknown enum value may stand on a later line.
 */
function lineAsCaffe(diagnostic: Diagnostic, caffe: string): number {
  const span = diagnostic.span!;
  if (!caffe.includes("Unknown enumeration value")) return lineAndColumn(span.source, span.start).line;
  const rest = /^(?:\s|#[^\n]*)*/.exec(span.source.text.slice(span.end))![0];
  return lineAndColumn(span.source, span.end + rest.length).line;
}

describe.runIf(hasOracle())("files that people wrote", () => {
  const files = (folder: string): string[] =>
    hasOracle() ? readdirSync(oraclePath("syntax", folder)).sort() : [];

  it.each(files("ok"))("%s is accepted", (name) => {
    expect(parseFile("ok", name)).toEqual([]);
  });

  const messages: Record<string, { messages: string[] }> = hasOracle()
    ? JSON.parse(readFileSync(oraclePath("syntax", "messages.json"), "utf8"))
    : {};

  it.each(files("bad"))("%s is refused where Caffe refuses it", (name) => {
    const caffe = messages[name]!.messages[0]!;
    const errors = parseFile("bad", name).filter(({ severity }) => severity === "error");
    expect(errors.length).toBeGreaterThan(0);
    expect(`line ${lineAsCaffe(errors[0]!, caffe)}`).toBe(`line ${Number.parseInt(caffe, 10)}`);
  });
});
