/** Modules gathered into one text, and the small parts of the loader. */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ts } from "ts-morph";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { InternalError } from "../../../proto/errors/index.js";
import { plainSha256, sha256Hex } from "../../../runtime/artefact/sha256.js";
import { emitModule } from "../../../src/artefact/emit.js";
import { literal } from "../../../src/artefact/literal.js";
import { newFolder, removeFolders } from "./support.js";

afterAll(removeFolders);
let folder = "";
beforeEach(async () => {
  folder = await newFolder();
});

async function emit(files: Readonly<Record<string, string>>, node = false): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return emitModule([pathToFileURL(join(folder, Object.keys(files)[0].replace(/ts$/, "js")))], { node });
}

describe("modules put together", () => {
  it("stand in the order of their imports, without types, imports and exports", async () => {
    const text = await emit({
      "main.ts":
        'import type { T } from "./types.js";\nimport { b } from "./b.js";\nexport * from "./c.js";\n' +
        "/** Adds. */\nexport const main = (x: T): number => b(x) + c;\n",
      "b.js":
        'import { c } from "./c.js";\n// Why b.\nexport function b(x) { return x * c; }\nexport { c };\n',
      "c.ts": "export const c = 3 as number;\nexport interface Unused { readonly x: 1 }\n",
    });
    expect(text).toBe(
      "export const c = 3;\n\n// Why b.\nfunction b(x) { return x * c; }\n\n/** Adds. */\nconst main = (x) => b(x) + c;".replace(
        "export const c",
        "const c",
      ),
    );
  });

  it("import Node's modules once, where there is Node", async () => {
    const files = {
      "main.ts":
        'import { readFile as read } from "node:fs/promises";\nimport "./b.js";\nexport const main = read;\n',
      "b.js": 'import { readFile as read, stat } from "node:fs/promises";\nexport const b = [read, stat];\n',
    };
    expect(await emit(files, true)).toBe(
      'import { readFile as read, stat } from "node:fs/promises";\n\nconst b = [read, stat];\n\nconst main = read;',
    );
    await expect(emit(files)).rejects.toThrow(/imports node:fs\/promises, which is not there in a browser/);
  });

  it.each([
    [
      "a name that two files declare",
      'import { b } from "./b.js";\nconst x = b;',
      "export const b = 1;\nlet [{ x }] = [{}];",
    ],
    ["a global's name", "export const fetch = 1;", ""],
    ["a package", 'import { z } from "zod";', ""],
    ["a renamed import", 'import { b as c } from "./b.js";', "export const b = 1;"],
    ["a namespace", 'import * as c from "./b.js";', "export const b = 1;"],
    ["a default import", 'import c from "./b.js";', "export const b = 1;"],
    ["a renamed export", "const b = 1; export { b as c };", ""],
    ["a default export", "export default 1;", ""],
    ["a default function", "export default function b() {}", ""],
    ["an import at run time", 'export const b = () => import("./b.js");', ""],
  ])("refuse %s", async (_, main, b) => {
    await expect(emit({ "main.js": main, "b.js": b })).rejects.toBeInstanceOf(InternalError);
  });
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
