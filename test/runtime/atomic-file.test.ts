/** Files are whole, or not there. */

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { troubleOf } from "../../proto/words/trouble.js";
import { writeFileAtomically } from "../../runtime/atomic-file.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cortado-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const wordsFor = (work: Promise<void>): Promise<string> => work.then(() => "none", troubleOf);

it("writes text, bytes and pieces, and replaces what was there", async () => {
  const path = join(folder, "a");
  await writeFileAtomically(path, "text ü");
  expect(readFileSync(path, "utf8")).toBe("text ü");
  await writeFileAtomically(path, Uint8Array.of(1, 2));
  expect([...readFileSync(path)]).toEqual([1, 2]);
  await writeFileAtomically(path, [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)]);
  expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  await writeFileAtomically(path, "");
  expect(readdirSync(folder)).toEqual(["a"]);
});

it("a failed write leaves the old file and no litter", async () => {
  const path = join(folder, "a");
  writeFileSync(path, "old");
  mkdirSync(join(folder, "dir"));
  writeFileSync(join(folder, "dir", "b"), "old");
  expect(await wordsFor(writeFileAtomically(join(folder, "dir"), "new"))).toBe("it is a folder");
  expect(await wordsFor(writeFileAtomically(join(path, "b"), "new"))).toBe(
    "what should be a folder on its path is a file",
  );
  expect(await wordsFor(writeFileAtomically(join(folder, "none", "b"), "new"))).toBe(
    "there is no such file or folder",
  );
  expect(await wordsFor(writeFileAtomically(join(folder, "x".repeat(300)), "new"))).toBe(
    "its name is too long",
  );
  // The second piece is none: the first has been written by then.
  const pieces = [Uint8Array.of(1), 5 as unknown as Uint8Array];
  expect(await wordsFor(writeFileAtomically(path, pieces))).not.toBe("none");
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(folder).sort()).toEqual(["a", "dir"]);
  expect(readdirSync(join(folder, "dir"))).toEqual(["b"]);
});

it("many at once on one path leave one whole file", async () => {
  const path = join(folder, "a");
  const contents = Array.from({ length: 20 }, (_, i) => new Uint8Array(200_000 + i).fill(i));
  await Promise.all(contents.map((bytes) => writeFileAtomically(path, bytes)));
  const found = readFileSync(path);
  expect(contents.some((bytes) => found.equals(bytes))).toBe(true);
  expect(readdirSync(folder)).toEqual(["a"]);
});

it("a name may be as long as the system allows", async () => {
  const path = join(folder, "層".repeat(85));
  await writeFileAtomically(path, "x");
  expect(existsSync(path)).toBe(true);
});

it("links stay links, and permissions stay", async () => {
  const path = join(folder, "a");
  const link = join(folder, "latest");
  writeFileSync(path, "old");
  chmodSync(path, 0o600);
  symlinkSync("a", link);
  await writeFileAtomically(link, "new");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it.skipIf(process.platform === "win32")("a pipe is written to, not replaced", async () => {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const read = readFile(path, "utf8");
  await writeFileAtomically(path, [Buffer.from("one "), Buffer.from("two")]);
  expect(await read).toBe("one two");
  expect(lstatSync(path).isFIFO()).toBe(true);
});
