/** `npm run bench -- NAME … [--option …]`: runs the named benchmarks, or says which there are. */
import { splitWords } from "./options.js";

const BENCHMARKS = [
  "peers",
  "layers",
  "training",
  "ready",
  "compile-time",
  "memory",
  "resident",
  "contraction",
  "cuda-kernels",
] as const;
/** Those that take options; any other runs as it is. */
const WITH_OPTIONS: readonly string[] = ["peers", "layers", "training", "ready", "resident"];

const { names, options } = splitWords(process.argv.slice(2));
const unknown = names.filter((name) => !BENCHMARKS.includes(name as (typeof BENCHMARKS)[number]));
const refusing = options.length > 0 && (names.length !== 1 || !WITH_OPTIONS.includes(names[0]));
if (names.length === 0 || unknown.length > 0) {
  console.error(
    `${unknown.length > 0 ? `No benchmark ${unknown.join(", ")}. ` : ""}Benchmarks: ${BENCHMARKS.join(", ")}`,
  );
  process.exitCode = 2;
} else if (refusing) {
  console.error(`Options go with one of ${WITH_OPTIONS.join(", ")}, alone.`);
  process.exitCode = 2;
} else {
  for (const name of names) await import(`./${name}.js`);
}
