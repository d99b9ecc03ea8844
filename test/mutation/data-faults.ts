/** Databases that are written, and images for applications. */
import { type Fault, faultsIn } from "./fault.js";

export const DATA_FAULTS: readonly Fault[] = [
  ...faultsIn(
    "runtime/data/lmdb-writer.ts",
    ["test/runtime/data/lmdb-writer.test.ts"],
    ["const own = kind === BRANCH && i === 0 ? NOTHING : key;", "const own = i === 0 ? NOTHING : key;"],
    ["const moved = last?.length === 1 ?", "const moved = last?.length === 0 ?"],
    ["Math.ceil((HEADER + value.length) / PAGE)", "Math.ceil(value.length / PAGE)"],
    ["number === 0 ? 1 : pages.count() - 1", "number === 0 ? 1 : 1"],
    ["if (isBig) overflows += pagesFor(value);", ""],
  ),
  ...faultsIn(
    "runtime/data/image-transformer.ts",
    ["test/runtime/data/image-transformer.test.ts"],
    ["Math.floor(down / 2)", "Math.ceil(down / 2)"],
    ["? 2 - place : place", "? place : place"],
    ["flatMap((mirrored) => five", "flatMap((mirrored) => five.slice(mirrored ? 1 : 0)"],
  ),
  ...faultsIn(
    "runtime/data/convert-images.ts",
    ["test/runtime/data/convert-images.test.ts"],
    ["if (checkSize && showShape(shape) !== first)", "if (showShape(shape) === first && checkSize)"],
    ['mode = encoded ? "native" : gray', 'mode = encoded ? "native" : !gray'],
  ),
];
