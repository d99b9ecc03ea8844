/** What people leave out or mistype once is one mistake, where it is. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDiagnostics, type Diagnostic } from "../../../proto/errors/index.js";
import { parseMessage } from "../../../proto/text/parse-text.js";
import { createScanner, type Token } from "../../../proto/text/scan.js";
import { fuzzRuns } from "../../support/mutate.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

type Root = "NetParameter" | "SolverParameter";

function mistakesIn(text: string, root: Root = "NetParameter"): readonly Diagnostic[] {
  const diagnostics = createDiagnostics();
  parseMessage({ name: "<text>", text }, root, diagnostics);
  return diagnostics.all.filter(({ severity }) => severity === "error");
}

const LAYER = `layer {
  name: "c"
  type: "Convolution"
  bottom: "data"
  top: "c"
  convolution_param {
    num_output: 3
    kernel_size: 3
  }
}
`;
const NEXT = `layer { name: "d" type: "ReLU" bottom: "c" top: "c" }\n`;

/** What of the layer is written how, and the start of what is said of it. */
const CASES: readonly (readonly [
  about: string,
  from: string | RegExp,
  to: string,
  message: string | RegExp,
])[] = [
  [
    "a comma in a list",
    "kernel_size: 3",
    "kernel_size: [3, 3 3 3]",
    /expected "," or "]" in the list of kernel_size, not "3"/,
  ],
  ["all commas of a list", "kernel_size: 3", "kernel_size: [3 3 3]", /expected "," or "]" in the list/],
  ["the end of a list", "kernel_size: 3", "kernel_size: [3, 3", /expected "," or "]" in the list/],
  ["a list without brackets", "kernel_size: 3", "kernel_size: 3, 3", /expected the name of a field, not "3"/],
  ["a list in parentheses", "kernel_size: 3", "kernel_size: (3, 3)", /kernel_size takes .*, not "\("/],
  ["a closing quote", `"c"\n  type`, `"c\n  type`, /a string must end on the line where it starts/],
  ["a closing quote with a field behind", `"c"\n  type`, `"c type`, /a string must end on the line/],
  [
    "a closing quote with a brace behind",
    `top: "c"\n`,
    `top: "c include { }\n`,
    /a string must end on the line/,
  ],
  ["an opening quote", `name: "c"`, `name: c"`, /the opening " of this string is missing/],
  ["both quotes", `name: "c"`, `name: c`, /name takes a string in quotes, not "c"/],
  ["a colon before a string", `name: "c"`, `name "c"`, /expected ":" after name/],
  ["a colon before a number", "num_output: 3", "num_output 3", /expected ":" after num_output/],
  ["= for a colon", "num_output: 3", "num_output = 3", /expected ":" after num_output, not "="/],
  ["a value", "num_output: 3\n", "num_output:\n", /num_output has no value/],
  ["a name", "num_output: 3\n", ": 3\n", /expected the name of a field, not ":"/],
  ["a name alone", "num_output: 3\n", "num_output\n", /expected ":" after num_output/],
  ["an opening brace", "convolution_param {", "convolution_param", /expected "{" after convolution_param/],
  ["a layer's opening brace", "layer {\n", "layer\n", /expected "{" after layer/],
  ["the word layer", "layer {\n", "{\n", /expected the name of a field, not "{"/],
  ["a closing brace", "  }\n}", "}", /expected|unknown field "layer"|the file ends/],
  ["a closing brace too many", "  }\n}", "  }}\n}", /"}" closes nothing/],
  ["parentheses for braces", /layer \{([\s\S]*)\}\n$/, "layer ($1)\n", /expected "{" after layer, not "\("/],
  ["a semicolon too many", "num_output: 3", "num_output: 3;;", /expected the name of a field, not ";"/],
  ["a comma too many", "num_output: 3", "num_output: 3,,", /expected the name of a field, not ","/],
  ["a stray character", "num_output: 3", "num_output: 3 $", /expected the name of a field, not "\$"/],
  [
    "two statements in a line, of which one is short of a colon",
    "3\n    kernel_size: 3",
    "3 kernel_size 3",
    /expected ":" after kernel_size/,
  ],
  [
    "typographic quotes",
    /"/g,
    "”",
    /may stand only in strings and comments: U\+201D, and 3 more of the kind$/,
  ],
  ["a pair of them", `"c"`, "“c”", /may stand only in strings and comments: U\+201C$/],
  ["half a pair", `"c"`, `"c”`, /a string must end on the line/],
  ["single ones", `"c"`, "‘c’", /may stand only in strings and comments: U\+2018$/],
  ["a full-width colon", "num_output:", "num_output：", /U\+FF1A$/],
  ["full-width braces", /[{}]/g, "｛", /U\+FF5B|the file ends/],
  ["a full-width digit", "num_output: 3", "num_output: ３", /U\+FF13$/],
  ["a full-width word", "num_output", "ｎｕｍ＿output", /U\+FF4E$/],
  ["a letter of another alphabet", "name", "n\u0430me", /U\+0430$/],
  ["an arrow", "num_output:", "num_output →", /U\+2192$/],
  ["a comment of C", "num_output: 3", "num_output: 3 // don't", /comments begin with #, not with \/\/$/],
  ["many of them", /\n {4}/g, " // type: here\n    ", /comments begin with #, not with \/\/, and 1 more/],
  [
    "a comment over lines",
    "num_output: 3",
    "/* one\n two: 3 */ num_output: 3",
    /comments begin with #, not with \/\*$/,
  ],
  ["two extents by x", "kernel_size: 3", "kernel_size: 3x3", /"3x3" is not a number/],
];

describe("one slip is one mistake", () => {
  for (const [about, from, to, message] of CASES)
    it(about, () => {
      const text = LAYER.replace(from, to);
      expect(text).not.toBe(LAYER);
      const mistakes = mistakesIn(text + NEXT);
      // With half of a brace's pairs gone the end is another.
      expect(mistakes.map((mistake) => mistake.message).slice(about === "full-width braces" ? 2 : 1)).toEqual(
        [],
      );
      expect(mistakes[0]?.message).toMatch(message);
    });

  it("and what follows it is read", () => {
    for (const [about, from, to] of CASES) {
      if (/brace|end of a list|the word layer/.test(about)) continue;
      const diagnostics = createDiagnostics();
      const text = LAYER.replace(from, to) + NEXT;
      const net = parseMessage({ name: "<text>", text }, "NetParameter", diagnostics);
      expect([about, net.layer.map(({ type }) => type)]).toEqual([about, ["Convolution", "ReLU"]]);
    }
  });
});

const filesUnder = (folder: string, ending: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"));

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const written = [
  ...filesUnder(at("../../../examples"), ".prototxt"),
  ...filesUnder(at("../../fixtures/layers"), ".prototxt"),
  ...(hasOracle() ? filesUnder(oraclePath("corpus"), "original.prototxt") : []),
].filter((text, i) => text.length < 20_000 && i % 4 === 0);

const rootOf = (text: string): Root => (text.includes("base_lr") ? "SolverParameter" : "NetParameter");

function tokensOf(text: string): readonly Token[] {
  const scanner = createScanner({ name: "<text>", text }, createDiagnostics());
  const tokens: Token[] = [];
  for (let token = scanner.next(); token.kind !== "end"; token = scanner.next()) tokens.push(token);
  return tokens;
}

/** Where a mistake is told, it is told so near. */
const NEAR = 300;

describe("in files that people wrote", () => {
  it("a token left out is two mistakes at most, the first of them near it", () => {
    const sound = fc.constantFrom(...written.filter((text) => mistakesIn(text, rootOf(text)).length === 0));
    fc.assert(
      fc.property(sound, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (text, share) => {
        const tokens = tokensOf(text);
        fc.pre(tokens.length > 0);
        const token = tokens[Math.floor(share * tokens.length)];
        const damaged = `${text.slice(0, token.start)} ${text.slice(token.end)}`;
        const mistakes = mistakesIn(damaged, rootOf(text));
        expect(mistakes.length).toBeLessThanOrEqual(2);
        if (mistakes.length > 0)
          expect(Math.abs((mistakes[0].span?.start ?? 0) - token.start)).toBeLessThan(NEAR);
      }),
      { numRuns: Math.ceil(fuzzRuns / 5) },
    );
  });
});
