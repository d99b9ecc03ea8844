/** How far the functions in lanes are from exact values, over all numbers of a type or a share of them: counted in C++. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RealType } from "../../../../codegen/ir/real.js";
import type { LaneFunctionName } from "../../../../codegen/lanes/functions/index.js";
import { nativePreamble } from "../../../../codegen/targets/native/native-preamble.js";
import type { Addon } from "../../../../native/addon.js";
import { findCompiler } from "../../../../native/build.mjs";

/** The greatest error of a function, in units in the last place, and where it is. Where the kind of value differs it is infinite. */
export interface FunctionError {
  readonly ulps: number;
  readonly where: string;
}

/** What each function is in exact arithmetic, as C++ over a wider type R. */
const EXACT: Readonly<Record<LaneFunctionName, string>> = {
  exp: "std::exp(x)",
  expm1: "std::expm1(x)",
  log: "std::log(x)",
  log1p: "std::log1p(x)",
  tanh: "std::tanh(x)",
  sigmoid: "1 / (1 + std::exp(-x))",
  softplus: "x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x))",
  pow: "std::pow(x, y)",
};
/** Of powers: exponents of real nets, whole ones and others. */
const POWERS = [0.75, -0.75, 2, 3, -1, 0.5, 1.7, 0, 33, -2.5];

/** A type, a wider one that is exact beside it, and its format. */
const TYPES: Readonly<Record<RealType, readonly [text: string, digits: number, least: number]>> = {
  float32: [
    "typedef float T; typedef double R; typedef unsigned Word; static const double WORDS = 0x1p32;",
    23,
    -126,
  ],
  float64: [
    "typedef double T; typedef long double R; typedef unsigned long Word; static const double WORDS = 0x1p64;",
    52,
    -1022,
  ],
};

const sourceOf = (names: readonly LaneFunctionName[], dtype: RealType): string => {
  const [types, digits, least] = TYPES[dtype];
  const functions = names.map((name) => {
    const [given, more] = name === "pow" ? ["R x, R y", ", y"] : ["R x, R", ""];
    return `struct F_${name} {
  static R exact(${given}) { return ${EXACT[name]}; }
  template <class A> static A lanes(A x, A y) { return lanes_${name}(x${more}); }
};`;
  });
  return `#include <cmath>
#include <cstring>
${nativePreamble(dtype)}
${types}
struct View { void* data; unsigned long elements; };
constexpr int n = 32 / sizeof(T);
typedef VectorOf<T, n>::V V;
static T valueOf(Word word) { T x; memcpy(&x, &word, sizeof x); return x; }
/** Whether a result lies beyond the largest number but for its last bits. */
static bool overflows(R x) { return std::abs(x) > std::ldexp(R(2) - std::ldexp(R(1), ${-digits + 2}), ${1 - least}); }
static double errorOf(T got, R exact, T x) {
  // Nearly always, and then the error is no more than half a unit.
  if (got == (T)exact && got != 0) return 0;
  if (std::isnan(got) || std::isnan(exact)) return std::isnan(got) && std::isnan(exact) ? 0 : INFINITY;
  if (std::isinf(got) || std::isinf((T)exact))
    return got == (T)exact || (overflows(exact) && std::signbit(got) == std::signbit(exact)) ? 0 : INFINITY;
  if (exact == 0 && x == 0 && std::signbit(got) != std::signbit(exact)) return INFINITY;
  const int exponent = exact == 0 ? ${least} : std::ilogb(exact);
  return std::abs((R)got - exact) / std::ldexp(R(1), (exponent < ${least} ? ${least} : exponent) - ${digits});
}
struct Worst { double error, x, y, got, exact; };
template <class F> static const char* look(const V& x, T y, Worst& worst) {
  V all;
  for (int l = 0; l < n; l++) all[l] = y;
  const V got = F::lanes(x, all);
  for (int l = 0; l < n; l++) {
    const T in = x[l], out = got[l], one = F::template lanes<T>(in, y);
    if (memcmp(&one, &out, sizeof one) != 0 && one == one) return "a single number has other bits";
    const R exact = F::exact(in, y);
    const double error = errorOf(out, exact, in);
    if (!(error <= worst.error)) worst = {error, (double)in, (double)y, (double)out, (double)exact};
  }
  return nullptr;
}
/** So many words, evenly over all; their distance is odd, so that all last bits come. And what is not ordinary. */
template <class F> static const char* sweep(const double* given, Worst& worst) {
  worst = {-1, 0, 0, 0, 0};
  const double count = given[0];
  const T y = (T)given[1];
  const Word step = (Word)(WORDS / count) | 1;
  const T least = valueOf(1), most = valueOf((Word)-1 >> 1 ^ ((Word)1 << ${digits}));
  const T odd[] = {0, INFINITY, NAN, 1, least, most};
  V x;
  for (const T& one : odd)
    for (int sign = -1; sign <= 1; sign += 2) {
      for (int l = 0; l < n; l++) x[l] = sign * one;
      if (const char* found = look<F>(x, y, worst)) return found;
    }
  Word word = 0;
  for (double i = 0; i < count; i += n) {
    for (int l = 0; l < n; l++, word += step) x[l] = valueOf(word);
    if (const char* found = look<F>(x, y, worst)) return found;
  }
  return nullptr;
}
${functions.join("\n")}
extern "C" __attribute__((visibility("default"))) const char* cortado_run(unsigned number, const View* args, unsigned, unsigned, unsigned) {
  const double* given = (const double*)args[0].data; Worst& worst = *(Worst*)args[1].data;
  switch (number) { ${names.map((name, i) => `case ${i}: return sweep<F_${name}>(given, worst);`).join(" ")} }
  return "no such function";
}
`;
};

/** The addon passes on where an array lies, and asks for one of other kinds. */
const addressed = (array: Float64Array): Float32Array => new Float32Array(array.buffer);

/**
 * The error of each function over so many numbers, all of a type's where there are no more; of powers a sixteenth of them.
 *
 * @param fused whether products and sums round once
 */
export async function functionErrors(
  { addon, folder }: { readonly addon: Addon; readonly folder: string },
  names: readonly LaneFunctionName[],
  { dtype, fused, count }: { readonly dtype: RealType; readonly fused: boolean; readonly count: number },
): Promise<ReadonlyMap<LaneFunctionName, FunctionError>> {
  const [input, output] = ["cc", "so"].map((ending) => join(folder, `${dtype}-${fused}.${ending}`));
  writeFileSync(input, sourceOf(names, dtype));
  const [command = "g++", ...given] = findCompiler() ?? [];
  const flags = ["-std=c++17", "-O2", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-w"];
  if (!fused) flags.push("-mno-fma");
  execFileSync(command, [...given, ...flags, "-shared", "-fPIC", "-o", output, input], { stdio: "pipe" });
  const module = addon.hostOpen(output);
  const found = new Map<LaneFunctionName, FunctionError>();
  for (const [kernel, name] of names.entries())
    for (const power of name === "pow" ? POWERS : [0]) {
      const numbers = name === "pow" ? count / 16 : count;
      const worst = new Float64Array(5);
      const args = [Float64Array.of(numbers, power), worst].map(addressed);
      await addon.hostRun(addon.hostPlan(module, [{ kernel, blocks: 1, threads: 1, args }]));
      const [ulps, x, y, got, exact] = worst;
      const where = `${name}(${x}${name === "pow" ? `, ${y}` : ""}) = ${got}, not ${exact}`;
      if (!(ulps <= (found.get(name)?.ulps ?? -1))) found.set(name, { ulps, where });
    }
  addon.hostClose(module);
  return found;
}
