/** What a built module begins with, and the small parts of the loader. */
import { createHash } from "node:crypto";
import { ts } from "ts-morph";
import { describe, expect, it } from "vitest";
import { plainSha256, sha256Hex } from "../../../runtime/artefact/sha256.js";
import { literal } from "../../../src/artefact/literal.js";
import { LOADERS, loaderText } from "../../../src/artefact/loader-text.js";

describe("what a built module begins with", () => {
  it.each(Object.entries(LOADERS))(
    "declares what loads nets for %s, and exports nothing",
    async (target, { open, node }) => {
      const text = await loaderText(target as keyof typeof LOADERS);
      const file = ts.createSourceFile("loader.js", text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
      const imports = file.statements
        .filter(ts.isImportDeclaration)
        .map(({ moduleSpecifier }) => moduleSpecifier.getText());
      expect(imports.every((from) => node && from.startsWith('"node:'))).toBe(true);
      expect(
        file.statements.filter((one) => ts.isExportDeclaration(one) || ts.isExportAssignment(one)),
      ).toEqual([]);
      for (const name of ["loader", open])
        expect(text).toMatch(new RegExp(`^(?:async )?function ${name}\\(|^const ${name} =`, "m"));
      // Where it was put together is not told.
      expect(text).not.toContain("runtime/");
    },
  );
});

describe("parts of a built module", () => {
  it("SHA-256 without the platform's is the platform's", async () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 4096]) {
      const bytes = Uint8Array.from({ length: length + 3 }, (_, i) => (i * 37) ^ length).subarray(3);
      const expected = createHash("sha256").update(bytes).digest("hex");
      expect(Buffer.from(plainSha256(bytes)).toString("hex")).toBe(expected);
      expect(await sha256Hex(bytes)).toBe(expected);
    }
  });

  it("literals are what they stand for, and hide nothing", () => {
    const value = {
      a: [1, -0, Infinity, -Infinity, 1e-7, true],
      b: ['"', "\\", "</script>", "a\nb\u2028\u202e\ud800\u0000", "__proto__", "é😀"],
      list: Array.from({ length: 60 }, (_, i) => ({ i })),
    };
    const text = literal(value);
    expect(new Function(`return ${text}`)()).toEqual(value);
    expect(Object.is((new Function(`return ${literal(-0)}`) as () => number)(), -0)).toBe(true);
    expect(text).not.toMatch(/[<\u2028\u202e\0]/);
    expect(literal(Number.NaN)).toBe("NaN");
    const scanner = ts.createScanner(ts.ScriptTarget.ES2022, true, ts.LanguageVariant.Standard, text);
    while (scanner.scan() !== ts.SyntaxKind.EndOfFileToken) expect(scanner.isUnterminated()).toBe(false);
  });
});
