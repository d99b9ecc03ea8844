/** Kernels that are wrong on purpose: what sanitizers do not see here they would not see of a generated one. */
import { describe, expect, it } from "vitest";
import { openAddon } from "../../native/addon.js";
import { buildNativeModules } from "../../runtime/devices/native/native-modules.js";

/** What is found where a kernel runs over `elements` elements of its operands. */
async function findingsOf(statement: string, elements = 9): Promise<string> {
  const { addon } = openAddon();
  if (!addon) throw new Error("no addon");
  const source = `static void k0(void* const* memory, long from, long to, char*) {
  float* const a = (float*)memory[0];
  const float* const b = (const float*)memory[1];
  for (long i = from; i < to; i++) ${statement}
}`;
  const [{ path }] = await buildNativeModules([{ symbol: "k0", source, note: "wrong" }], "");
  const module = addon.nativeOpen(path);
  // As in an arena: what lies behind is another's, and is there.
  const arena = new Float32Array(100);
  const args = [arena.subarray(0, elements), arena.subarray(64, 64 + elements)];
  const plan = addon.nativePlan([{ module, kernel: 0, from: 0, to: elements, pieces: 1, args }], 0, 1);
  return addon.nativeRun(plan).then(
    () => "",
    (error: Error) => error.message,
  );
}

const sanitizer = process.env["CORTADO_SANITIZER"];

it("nothing is found in a kernel that is right", async () => {
  expect(await findingsOf("a[i] = b[i];")).toBe("");
});

const ADDRESS = () => {
  it("reads and writes one element beyond an operand", async () => {
    expect(await findingsOf("a[i] = b[i + 1];")).toMatch(/heap-buffer-overflow[\s\S]*READ of size 4/);
    expect(await findingsOf("a[i + 1] = b[i];")).toMatch(/heap-buffer-overflow[\s\S]*WRITE of size 4/);
    expect(await findingsOf("a[i] = b[i - 1];")).toMatch(/heap-buffer-overflow[\s\S]*READ of size 4/);
  });

  it("a vector that reads beyond the end", async () => {
    const statement =
      "{ typedef float V __attribute__((vector_size(32), aligned(4), may_alias)); if (i == 0) *(V*)(a + i) += *(const V*)(b + 2); }";
    expect(await findingsOf(statement, 10)).toBe("");
    expect(await findingsOf(statement, 9)).toMatch(/ERROR: AddressSanitizer[\s\S]*READ of size 32/);
  });
};

const UNDEFINED = () => {
  it("overflow of integers", async () => {
    const statement = "{ int n = 2147483640 + (int)i; n += (int)i; a[i] = n; }";
    expect(await findingsOf(statement)).toMatch(/runtime error: signed integer overflow/);
  });

  it("vectors that are not where they must be", async () => {
    const statement =
      "{ typedef float V __attribute__((vector_size(32), may_alias)); if (i == 0) a[0] = (*(const V*)(b + 1))[0]; }";
    expect(await findingsOf(statement)).toMatch(/runtime error: load of misaligned address/);
  });
};

// Not skipped: the other has a run of its own.
describe(`the sanitizer ${sanitizer} sees`, sanitizer === "address" ? ADDRESS : UNDEFINED);
