import { expect, it } from "vitest";
import { didYouMean, nearest, orList } from "../../../proto/errors/suggest.js";
import { quoted } from "../../../proto/words/names.js";

it("near names are found by edit distance, swaps, and without regard to case", () => {
  const names = ["kernel_size", "kernel_h", "stride", "pad", "lrn_param", "mvn_param", "prelu_param"];
  expect(nearest("kernal_size", names)).toEqual(["kernel_size"]);
  expect(nearest("stirde", names)).toEqual(["stride"]);
  expect(nearest("Kernel-Size", names)).toEqual(["kernel_size"]);
  expect(nearest("relu_param", names)).toEqual(["prelu_param"]);
  expect(nearest("bn_param", names)).toEqual([]);
  expect(nearest("x", ["y"])).toEqual([]);
  // Two letters that are not the same two are no swap: four changes are too many for nine letters.
  expect(nearest("xa123xa45", ["ay123ay45"])).toEqual([]);
  // What differs by case alone is the one that is meant.
  expect(nearest("CONV1", ["conv2", "conv1", "conv"])).toEqual(["conv1"]);
  expect(nearest("a".repeat(1000), ["a".repeat(999)])).toEqual([]);
});

it("suggestions and names read as sentences", () => {
  expect(didYouMean("ip", ["ip1", "ip2", "conv"])).toBe('did you mean "ip1" or "ip2"?');
  expect(didYouMean("ip", ["conv"])).toBeUndefined();
  expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(orList)).toEqual(["", "a", "a or b", "a, b or c"]);
  expect(quoted('a"\n')).toBe('"a\\"\\n"');
  expect(quoted("a".repeat(100))).toBe(`"${"a".repeat(79)}…"`);
});
