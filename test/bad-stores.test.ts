/**
 * Damaged files of records, and damaged HDF5: each is read, or refused with a CortadoError, soon, within memory, and
 * nothing stays open. $CORTADO_FUZZ_RUNS sets how many are tried.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestFiles } from "../runtime/artefact/manifest.js";
import { openLevelDb } from "../runtime/data/leveldb.js";
import { maskedCrc } from "../runtime/data/leveldb-bytes.js";
import { openFeed } from "../runtime/data/open-feed.js";
import { openHdf5, writeHdf5 } from "../runtime/hdf5-file.js";
import type { Param } from "../runtime/net-types.js";
import { currentState } from "../runtime/solver/state.js";
import { readState, writeState } from "../runtime/solver/state-file.js";
import { fuzzRuns, mutatedBytes, mutatedText } from "./support/mutate.js";
import { openFiles } from "./support/open-files.js";
import { scratchFolder } from "./support/scratch.js";
import { usedOrRefused } from "./support/used-or-refused.js";

const LONG = 3_600_000;
const scratch = scratchFolder();
let tried = 0;
afterAll(() => console.log(`bad stores: ${tried} damaged files read or refused in words`));

async function assertAll<T>(arbitrary: fc.Arbitrary<T>, part: number, run: (value: T) => unknown) {
  const numRuns = Math.ceil(fuzzRuns * part);
  const before = openFiles();
  await fc.assert(
    fc.asyncProperty(arbitrary, (value) => usedOrRefused(() => run(value))),
    { numRuns },
  );
  // One instance of the HDF5 library may hold a file of its own.
  expect(openFiles() - before).toBeLessThan(5);
  tried += numRuns;
}

describe("LevelDB", () => {
  let folder = "";
  let files: Readonly<Record<"table" | "log" | "manifest", string>>;
  beforeAll(async () => {
    folder = join(scratch.path, "leveldb");
    const database = new ClassicLevel(folder);
    for (let i = 0; i < 40; i++) await database.put(`key ${i % 30}`, `value ${i} `.repeat(1 + (i % 20)));
    await database.compactRange("k", "l");
    await database.put("key 7", "newer");
    await database.del("key 8");
    await database.close();
    const named = (pattern: RegExp): string =>
      join(folder, readdirSync(folder).find((name) => pattern.test(name))!);
    files = { table: named(/\.ldb$/), log: named(/\.log$/), manifest: named(/^MANIFEST/) };
  });
  const readAll = async (): Promise<void> => {
    const cursor = await openLevelDb(folder);
    try {
      while (await cursor.next());
    } finally {
      await cursor.close();
    }
  };
  const trying = async (
    file: keyof typeof files,
    part: number,
    prepare: (bytes: Uint8Array) => { readonly seed: Uint8Array; signed(damaged: Uint8Array): Uint8Array },
  ): Promise<void> => {
    const path = files[file];
    const sound = new Uint8Array(readFileSync(path));
    const { seed, signed } = prepare(sound);
    await assertAll(mutatedBytes([seed]), part, (bytes) => {
      writeFileSync(path, signed(bytes));
      return readAll();
    });
    writeFileSync(path, sound);
  };
  const asItIs = (seed: Uint8Array) => ({ seed, signed: (bytes: Uint8Array) => bytes });
  /** One record of a log, which keeps its checksum. */
  const logOf = (seed: Uint8Array) => ({
    seed: seed.slice(7, 7 + Buffer.from(seed).readUInt16LE(4)),
    signed: (content: Uint8Array): Uint8Array => {
      const part = Buffer.alloc(7 + Math.min(content.length, 32_000));
      part.writeUInt16LE(part.length - 7, 4);
      part[6] = 1;
      part.set(content.subarray(0, part.length - 7), 7);
      part.writeUInt32LE(maskedCrc(part, 6, part.length));
      return part;
    },
  });
  /** The first block of a table, which keeps its checksum and its length. */
  const tableOf = (seed: Uint8Array) => {
    let length = 1;
    while (maskedCrc(seed, 0, length + 1) !== Buffer.from(seed).readUInt32LE(length + 1)) length++;
    return {
      seed: seed.slice(0, length + 1),
      signed: (content: Uint8Array): Uint8Array => {
        const table = Buffer.from(seed);
        table.set(content.subarray(0, length + 1), 0);
        table.writeUInt32LE(maskedCrc(table, 0, length + 1), length + 1);
        return table;
      },
    };
  };
  it("damaged tables", { timeout: LONG }, () => trying("table", 0.04, asItIs));
  it("damaged blocks of tables under a right checksum", { timeout: LONG }, () =>
    trying("table", 0.05, tableOf),
  );
  it("damaged logs", { timeout: LONG }, () => trying("log", 0.04, asItIs));
  it("damaged records of logs under a right checksum", { timeout: LONG }, () => trying("log", 0.04, logOf));
  it("damaged manifests", { timeout: LONG }, () => trying("manifest", 0.02, asItIs));
  it("damaged changes of manifests under a right checksum", { timeout: LONG }, () =>
    trying("manifest", 0.04, logOf),
  );
});

describe("HDF5", () => {
  const at = (name: string): string => join(scratch.path, name);
  const seeds = ["kinds-earliest.h5", "kinds-latest.h5", "elsewhere.h5"].map(
    (name) => new Uint8Array(readFileSync(new URL(`fixtures/hdf5/${name}`, import.meta.url))),
  );
  it("files of all kinds of datasets", { timeout: LONG }, () =>
    assertAll(mutatedBytes(seeds), 0.01, async (bytes) => {
      writeFileSync(at("any.h5"), bytes);
      const file = await openHdf5(at("any.h5"), "the file");
      const mistakes: unknown[] = [];
      for (const { read, single } of file.datasets)
        for (const work of [read, single])
          try {
            work();
          } catch (error) {
            mistakes.push(error);
          }
      file.close();
      for (const mistake of mistakes)
        await usedOrRefused(() => {
          throw mistake;
        });
    }),
  );
  it("states", { timeout: LONG }, async () => {
    const slot = { shape: [2, 3], read: async () => new Float32Array(6) } as Pick<Param, "shape" | "read">;
    const state = await currentState({ iteration: 3, currentStep: 1 }, "w.caffemodel", [slot as Param]);
    await writeState(at("s.solverstate.h5"), state);
    const sound = new Uint8Array(readFileSync(at("s.solverstate.h5")));
    await assertAll(mutatedBytes([sound]), 0.01, async (bytes) => {
      writeFileSync(at("s.solverstate.h5"), bytes);
      await readState(at("s.solverstate.h5"));
    });
  });
  it("data", { timeout: LONG }, async () => {
    await writeHdf5(at("data.h5"), [
      { path: "data", shape: [4, 2], data: new Float32Array(8) },
      { path: "label", shape: [4], data: new Int32Array(4) },
    ]);
    writeFileSync(at("list.txt"), "data.h5\n");
    const sound = new Uint8Array(readFileSync(at("data.h5")));
    await assertAll(mutatedBytes([sound]), 0.01, async (bytes) => {
      writeFileSync(at("data.h5"), bytes);
      const feed = await openFeed(
        { kind: "hdf5", source: "list.txt", batchSize: 3, shuffle: false, tops: ["data", "label"] } as never,
        { root: scratch.path, phase: "TEST", seed: 0 },
      );
      await feed.next(feed.shapes.map((shape) => new Float32Array(shape.reduce((a, b) => a * b, 1))));
      await feed.close();
    });
  });
});

it("manifests of builds", { timeout: LONG }, () => {
  const sound = JSON.stringify({
    format: "cortado-net",
    version: 1,
    build: "5f",
    files: [{ path: "net.js", bytes: 12, sha256: "00ff" }],
  });
  return assertAll(mutatedText([sound]), 0.2, (text) => {
    try {
      for (const { path, bytes, sha256 } of manifestFiles(Buffer.from(text), undefined))
        expect([typeof path, typeof bytes, typeof sha256]).toEqual(["string", "number", "string"]);
    } catch (error) {
      // In a built module what the user can mend is a plain error.
      expect((error as Error).message).toMatch(/^manifest\.json /);
    }
  });
});
