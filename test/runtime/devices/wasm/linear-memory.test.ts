/** One memory for all that lies on the device: what is given out, what comes back, and where it ends. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Engine, LinearMemory } from "../../../../runtime/devices/wasm/engine.js";
import { createWasmMemory, type WasmMemory } from "../../../../runtime/devices/wasm/linear-memory.js";
import { engine } from "../../../support/wasm-engine.js";

const bytesOf = ({ memory }: WasmMemory, address: number, bytes: number): Uint8Array =>
  new Uint8Array(memory.buffer, address, bytes);
const open = (): WasmMemory => createWasmMemory(engine);

/** An engine that grants so many pages, and takes none for them. */
function engineOf(most: number): Engine {
  class Memory implements LinearMemory {
    buffer = { byteLength: 2 * 65536 } as SharedArrayBuffer;
    grow(pages: number): number {
      const before = this.buffer.byteLength / 65536;
      if (before + pages > most) throw new RangeError("Maximum memory size exceeded");
      this.buffer = { byteLength: (before + pages) * 65536 } as SharedArrayBuffer;
      return before;
    }
  }
  return { ...engine, Memory };
}

type Step = { readonly allocate: number } | { readonly free: number };

describe("the device's memory", () => {
  it("gives out zeros that do not overlap, whatever was given and came back before", () => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.record({
        allocate: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 200_000 })),
      }),
      fc.record({ free: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const memory = open();
        const given: { readonly address: number; readonly bytes: number; readonly mark: number }[] = [];
        for (const [mark, one] of steps.entries()) {
          if ("free" in one) {
            const [gone] = given.splice(one.free % Math.max(1, given.length), 1);
            if (gone) memory.free(gone.address);
            continue;
          }
          const address = memory.allocate(one.allocate, "numbers");
          expect(address % 64).toBe(0);
          // Kernels read in front of what they are given, and behind it.
          expect(address).toBeGreaterThanOrEqual(65536);
          expect(memory.memory.buffer.byteLength - (address + one.allocate)).toBeGreaterThanOrEqual(64);
          const bytes = bytesOf(memory, address, one.allocate);
          expect(bytes.every((byte) => byte === 0)).toBe(true);
          bytes.fill(1 + mark);
          given.push({ address, bytes: one.allocate, mark: 1 + mark });
        }
        for (const { address, bytes, mark } of given)
          expect(bytesOf(memory, address, bytes).every((byte) => byte === mark)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("joins what came back, in any order, and gives it out again", () => {
    const memory = open();
    const three = [1000, 2000, 3000].map((bytes) => memory.allocate(bytes, "numbers"));
    const behind = memory.allocate(64, "numbers");
    for (const at of [0, 2, 1]) memory.free(three[at]);
    const { byteLength } = memory.memory.buffer;
    expect(memory.allocate(1024 + 2048 + 3008, "numbers")).toBe(three[0]);
    expect(memory.allocate(64, "numbers")).toBeGreaterThan(behind);
    expect(memory.memory.buffer.byteLength).toBe(byteLength);
  });

  it("does not mind what comes back twice, or was never given", () => {
    const memory = open();
    const first = memory.allocate(100, "numbers");
    memory.free(first);
    memory.free(first);
    memory.free(3);
    expect(memory.allocate(100, "numbers")).toBe(first);
    expect(memory.allocate(100, "numbers")).not.toBe(first);
  });

  it("keeps what it holds, and where that is looked at, as it grows", () => {
    const memory = open();
    const address = memory.allocate(1000, "numbers");
    const before = bytesOf(memory, address, 1000).fill(9);
    const large = memory.allocate(5 * 2 ** 20, "numbers");
    before[3] = 8;
    expect(bytesOf(memory, address, 5)).toEqual(Uint8Array.of(9, 9, 9, 8, 9));
    expect(bytesOf(memory, large, 5 * 2 ** 20).every((byte) => byte === 0)).toBe(true);
  });

  it("reaches to the end of 4 GiB, and refuses more in words", () => {
    const memory = createWasmMemory(engineOf(65536));
    const half = memory.allocate(2 ** 31, "the blobs");
    expect(memory.allocate(2 ** 30, "the blobs")).toBe(half + 2 ** 31);
    const rest = 2 ** 32 - (half + 2 ** 31 + 2 ** 30) - 64;
    expect(memory.allocate(rest, "the blobs")).toBe(half + 2 ** 31 + 2 ** 30);
    expect(() => memory.allocate(64, "the parameters")).toThrow(
      "error: the parameters need more memory than WebAssembly grants: 4.00 GiB with all else\n" +
        "  target native or ts has no such bound; a smaller batch needs less",
    );
  });

  it.each([2 ** 32, 2 ** 40])("refuses %d bytes at once", (bytes) => {
    expect(() => open().allocate(bytes, "the blobs")).toThrow(
      /the blobs need more memory than WebAssembly grants/,
    );
  });
});
