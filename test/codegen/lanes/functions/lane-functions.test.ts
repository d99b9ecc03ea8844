/** The functions in lanes as C++ compiles them: their error in units in the last place, and what is not ordinary. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LANE_FUNCTIONS, type LaneFunctionName } from "../../../../codegen/lanes/functions/index.js";
import { nativePreamble } from "../../../../codegen/targets/native/native-preamble.js";
import { findCompiler } from "../../../../native/build.mjs";
import { addonForTests } from "../../../support/native.js";
import { scratchFolder } from "../../../support/scratch.js";

const native = await addonForTests();
const scratch = scratchFolder();

type Function1 = Exclude<LaneFunctionName, "pow">;
const REFERENCES: Readonly<Record<Function1, (x: number) => number>> = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))),
};
/** Greatest error in units in the last place of float32, denormal results included. */
const ULPS: Readonly<Record<LaneFunctionName, number>> = {
  exp: 1,
  expm1: 2,
  log: 1,
  log1p: 2,
  tanh: 2,
  sigmoid: 2.5,
  softplus: 2.5,
  pow: 2,
};

/** Every exponent with mantissas on a grid, both signs; and what is not ordinary. */
function samples(): Float32Array {
  const bits: number[] = [];
  for (let exponent = 0; exponent < 255; exponent++)
    for (let i = 0; i < 61; i++) {
      const word = exponent * 2 ** 23 + Math.floor((i / 61) * 2 ** 23) + (i % 7);
      bits.push(word, word + 2 ** 31);
    }
  bits.push(0x7f800000, 0xff800000, 0x7fc00000);
  return new Float32Array(Uint32Array.from(bits).buffer);
}

/** Values in lanes of a vector of so many bytes and as single numbers: both must have the same bits. */
function build(names: readonly LaneFunctionName[]): string {
  const cases = names.map((name, i) => {
    const y = name === "pow" ? ", load<V>(y + i)" : "";
    const one = name === "pow" ? ", y[i]" : "";
    return `case ${i}: for (unsigned i = 0; i < count; i += 8) store<V>(out + i, lanes_${name}(load<V>(x + i)${y}));
  for (unsigned i = 0; i < count; i++) { const float one = lanes_${name}(x[i]${one}); if (__builtin_memcmp(&one, out + i, 4) != 0 && one == one) return "a single number has other bits"; } break;`;
  });
  const source = `${nativePreamble("float32")}
struct View { void* data; unsigned long elements; };
typedef VectorOf<float, 8>::V V;
extern "C" __attribute__((visibility("default"))) const char* cortado_run(unsigned number, const View* args, unsigned, unsigned count, unsigned) {
  const float* x = (const float*)args[0].data; const float* y = (const float*)args[1].data; float* out = (float*)args[2].data;
  switch (number) { ${cases.join("\n")} }
  return nullptr;
}
`;
  const [input, output] = [join(scratch.path, "functions.cc"), join(scratch.path, "functions.so")];
  writeFileSync(input, source);
  const [command = "g++", ...given] = findCompiler() ?? [];
  const flags = ["-std=c++17", "-O2", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-w"];
  execFileSync(command, [...given, ...flags, "-shared", "-fPIC", "-o", output, input], { stdio: "pipe" });
  return output;
}

const unit = (x: number): number => 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(x)))) - 23);

function worst(got: Float32Array, want: (i: number) => number, show: (i: number) => string): number {
  let most = 0;
  for (let i = 0; i < got.length; i++) {
    const exact = want(i);
    const rounded = Math.fround(exact);
    if (Object.is(got[i], rounded) || (Number.isNaN(got[i]) && Number.isNaN(rounded))) continue;
    if (!Number.isFinite(got[i]) || Number.isNaN(exact)) {
      const nearly = Math.abs(exact) > 3.4028234e38 * (1 - 2 ** -22);
      if (!nearly) expect.fail(`${show(i)} is ${got[i]}, not ${rounded}`);
      continue;
    }
    most = Math.max(most, Math.abs(got[i] - exact) / unit(rounded === 0 ? 2 ** -149 : rounded));
  }
  return most;
}

describe.skipIf(!native)("functions in lanes", () => {
  const names = Object.keys(LANE_FUNCTIONS) as LaneFunctionName[];
  const x = samples();
  const padded = new Float32Array(Math.ceil(x.length / 8) * 8);
  padded.set(x);

  it("are within their error of the exact value, everywhere", async () => {
    const addon = native!.addon;
    const module = addon.hostOpen(build(names));
    const found: Record<string, number> = {};
    for (const [kernel, name] of names.entries()) {
      // For powers: exponents of real nets, whole ones and others, against all bases.
      for (const power of name === "pow" ? [0.75, -0.75, 2, 3, -1, 0.5, 1.7, 0, 33, -2.5] : [0]) {
        const y = new Float32Array(padded.length).fill(power);
        const out = new Float32Array(padded.length);
        const launch = { kernel, blocks: padded.length, threads: 1, args: [padded, y, out] };
        await addon.hostRun(addon.hostPlan(module, [launch]));
        const exact = (v: number): number =>
          name === "pow" ? Math.abs(v) ** Math.fround(power) * signOf(v, power) : REFERENCES[name](v);
        const error = worst(
          out.subarray(0, x.length),
          (i) => (name === "pow" && special(x[i], power) !== undefined ? special(x[i], power)! : exact(x[i])),
          (i) => `${name}(${x[i]}${name === "pow" ? `, ${power}` : ""})`,
        );
        found[name] = Math.max(error, found[name] ?? 0);
      }
      expect.soft(found[name], name).toBeLessThanOrEqual(ULPS[name]);
    }
    addon.hostClose(module);
    console.log(`errors in ulp: ${names.map((name) => `${name} ${found[name].toFixed(2)}`).join(", ")}`);
  }, 120_000);
});

/** What JavaScript's power, which is C's but for 1 to an infinity, says of it where it is no product of magnitudes. */
const special = (base: number, power: number): number | undefined =>
  base === 0 || !Number.isFinite(base) || (base < 0 && !Number.isInteger(power)) ? base ** power : undefined;
const signOf = (base: number, power: number): number => (base < 0 && Math.abs(power) % 2 === 1 ? -1 : 1);
