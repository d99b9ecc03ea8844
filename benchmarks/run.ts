/** `npm run bench -- NAME …`: runs the named benchmarks, or says which there are. */
const BENCHMARKS = ["lenet", "compile-time", "memory", "contraction", "cuda-kernels"] as const;

const names = process.argv.slice(2);
const unknown = names.filter((name) => !BENCHMARKS.includes(name as (typeof BENCHMARKS)[number]));
if (names.length === 0 || unknown.length > 0) {
  console.error(
    `${unknown.length > 0 ? `No benchmark ${unknown.join(", ")}. ` : ""}Benchmarks: ${BENCHMARKS.join(", ")}`,
  );
  process.exitCode = 2;
} else {
  for (const name of names) await import(`./${name}.js`);
}
