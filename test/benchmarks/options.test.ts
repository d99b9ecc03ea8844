import { describe, expect, it } from "vitest";
import { countOf, splitWords, wordsOf } from "../../benchmarks/options.js";

describe("the command line of benchmarks", () => {
  it("has names first, then options with their values", () => {
    expect(splitWords(["peers", "--nets", "lenet"])).toEqual({
      names: ["peers"],
      options: ["--nets", "lenet"],
    });
    expect(splitWords(["memory", "contraction"])).toEqual({ names: ["memory", "contraction"], options: [] });
    expect(splitWords([])).toEqual({ names: [], options: [] });
  });

  it("takes lists of known words and refuses others with the choices", () => {
    expect(wordsOf("b,a", ["a", "b"], "--x")).toEqual(["b", "a"]);
    expect(() => wordsOf("a,c", ["a", "b"], "--x")).toThrow("--x takes some of a, b, not c");
    expect(() => wordsOf("", ["a", "b"], "--x")).toThrow("not nothing");
  });

  it("takes counts of at least 1", () => {
    expect(countOf("12", "--n")).toBe(12);
    for (const wrong of ["0", "-1", "1.5", "x", ""])
      expect(() => countOf(wrong, "--n")).toThrow("--n takes whole numbers");
  });
});
