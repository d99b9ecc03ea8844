import { fork } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { CortadoError } from "../../proto/errors/index.js";
import { cacheFolder, openCache } from "../../runtime/cache.js";
import { ownCache } from "../support/own-cache.js";
import { scratchFolder } from "../support/scratch.js";

const scratch = scratchFolder();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const root = process.getuid?.() === 0;
const own = ownCache(scratch);

describe("the cache's folder", () => {
  test("CORTADO_CACHE, then XDG_CACHE_HOME where it is absolute, then the home folder", () => {
    expect(cacheFolder()).toBe(own.folder);
    vi.stubEnv("CORTADO_CACHE", undefined);
    vi.stubEnv("HOME", "/home/somebody");
    vi.stubEnv("XDG_CACHE_HOME", "/var/somewhere");
    expect(cacheFolder()).toBe("/var/somewhere/cortado");
    for (const ignored of ["here", undefined]) {
      vi.stubEnv("XDG_CACHE_HOME", ignored);
      expect(cacheFolder()).toBe("/home/somebody/.cache/cortado");
    }
  });

  test("is made for the user alone, as are the entries", async () => {
    vi.stubEnv("CORTADO_CACHE", join(own.folder, "deep", "down"));
    const cache = await openCache();
    expect(cache.temporary).toBeUndefined();
    expect(statSync(cache.folder).mode & 0o777).toBe(0o700);
    expect(statSync(await cache.store("k", ".bin", text("x"))).mode & 0o777).toBe(0o600);
  });

  const refused = async (): Promise<string> => {
    const error: unknown = await openCache().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CortadoError);
    return (error as CortadoError).message;
  };
  test("is refused when it is a link", async () => {
    const target = join(scratch.path, "target");
    mkdirSync(target, { recursive: true, mode: 0o700 });
    symlinkSync(target, own.folder);
    expect(await refused()).toMatch(
      /is a link: nothing is loaded from it\n {2}remove the link, or set CORTADO_CACHE/,
    );
    expect(readdirSync(target)).toEqual([]);
  });
  test("is refused when it is a file", async () => {
    writeFileSync(own.folder, "");
    expect(await refused()).toContain("is not a folder");
  });
  test.each(["777", "720", "702"])("is refused when others may write to it (mode %s)", async (mode) => {
    mkdirSync(own.folder);
    chmodSync(own.folder, Number.parseInt(mode, 8));
    expect(await refused()).toContain(`can be written by others (mode 0${mode})`);
  });
  test("is refused when it belongs to another user", async () => {
    // Root gives a folder away; everybody else has one that is root's.
    if (root) {
      mkdirSync(own.folder, { mode: 0o700 });
      chownSync(own.folder, 12345, 12345);
    } else vi.stubEnv("CORTADO_CACHE", "/usr");
    const [owner, user] = root ? [12345, 0] : [0, process.getuid?.()];
    expect(await refused()).toContain(`belongs to another user (uid ${owner}; you are ${user})`);
  });
  test("a home that cannot be written is no reason to fail", async () => {
    // A file where a folder should be stops root as well.
    const file = scratch.file("a-file", "");
    vi.stubEnv("CORTADO_CACHE", join(file, "cortado"));
    const cache = await openCache();
    expect(cache.temporary).toContain("cannot be made");
    expect(cache.folder).not.toContain(file);
    expect(statSync(cache.folder).mode & 0o777).toBe(0o700);
    const path = await cache.store("homeless", ".bin", text("x"));
    expect(await cache.find("homeless", ".bin")).toBe(path);
  });
  test("a folder that goes away while it is used is no reason to fail", async () => {
    const cache = await openCache();
    renameSync(own.folder, `${own.folder}-moved`);
    const path = await cache.store("gone", ".bin", text("x"));
    expect(path.startsWith(own.folder)).toBe(false);
    expect(await cache.find("gone", ".bin")).toBe(path);
    expect(await cache.read("gone", ".bin")).toEqual(Buffer.from("x"));
  });
});

describe("entries", () => {
  test("what was stored is read; anything else is not there", async () => {
    const cache = await openCache();
    expect(await cache.find("k", ".bin")).toBeUndefined();
    const path = await cache.store("k", ".bin", text("content"));
    expect(path).toBe(join(own.folder, "k.bin"));
    expect(await cache.find("k", ".bin")).toBe(path);
    expect(Buffer.from((await cache.read("k", ".bin")) ?? [])).toEqual(Buffer.from("content"));
    expect(await cache.read("k", ".so")).toBeUndefined();
    expect(await (await openCache()).find("k", ".bin")).toBe(path);
    await cache.store("k", ".bin", text(""));
    expect(await cache.read("k", ".bin")).toHaveLength(0);
    expect(readdirSync(own.folder)).toEqual(["k.bin"]);
  });

  test("no byte may be changed, none cut off, none added", async () => {
    const cache = await openCache();
    const path = await cache.store("k", ".bin", text("some content"));
    const whole = readFileSync(path);
    for (let i = 0; i < whole.length; i++) {
      const changed = Buffer.from(whole);
      changed[i] ^= 1;
      writeFileSync(path, changed);
      expect(await cache.read("k", ".bin"), `byte ${i}`).toBeUndefined();
      writeFileSync(path, whole);
      truncateSync(path, i);
      expect(await cache.find("k", ".bin"), `${i} bytes`).toBeUndefined();
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.of(0)]));
    expect(await cache.read("k", ".bin")).toBeUndefined();
    expect(await cache.store("k", ".bin", text("some content"))).toBe(path);
    expect(readFileSync(path)).toEqual(whole);
  });

  test("a link in the folder is not followed", async () => {
    const cache = await openCache();
    const path = await cache.store("k", ".bin", text("x"));
    const elsewhere = scratch.file("elsewhere", readFileSync(path));
    symlinkSync(elsewhere, join(own.folder, "l.bin"));
    expect(await cache.find("l", ".bin")).toBeUndefined();
    const before = readFileSync(elsewhere);
    await cache.store("l", ".bin", text("y"));
    expect(readFileSync(elsewhere)).toEqual(before);
    expect(lstatSync(join(own.folder, "l.bin")).isSymbolicLink()).toBe(false);
    expect(await cache.read("l", ".bin")).toEqual(Buffer.from("y"));
  });

  test("a key is a name, never a path", async () => {
    const cache = await openCache();
    for (const key of ["../k", "a/b", "", ".k", "k\0"])
      await expect(cache.store(key, ".bin", text("x"))).rejects.toThrow("is not the name of a cache entry");
    await expect(cache.find("k", "/x")).rejects.toThrow("is not the name of a cache entry");
  });

  test("several may store one entry at once, in one process", async () => {
    const cache = await openCache();
    const contents = Array.from({ length: 16 }, (_, i) => Buffer.alloc(10_000, i));
    const reads = contents.map(async (content) => {
      await cache.store("k", ".bin", content);
      return cache.read("k", ".bin");
    });
    for (const read of await Promise.all(reads)) expect(read).toHaveLength(10_000);
    expect(readdirSync(own.folder)).toEqual(["k.bin"]);
  });

  test("and in several", async () => {
    const cache = await openCache();
    const ending = readFileSync(await cache.store("k", ".bin", Buffer.alloc(100_000, 7))).subarray(100_000);
    // Each writes as `store` does, with the programs of this project's own build left out: beside, then renamed.
    const script = scratch.file(
      "writer.cjs",
      `const { writeFileSync, renameSync } = require("node:fs");
       const whole = Buffer.concat([Buffer.alloc(100000, 7), Buffer.from("${ending.toString("hex")}", "hex")]);
       for (let i = 0; i < 200; i++) {
         const beside = process.argv[2] + ".part" + process.pid;
         writeFileSync(beside, whole);
         renameSync(beside, process.argv[2]);
       }`,
    );
    const path = join(own.folder, "k.bin");
    const writers = [0, 1].map(() => fork(script, [path]));
    const ends = writers.map((writer) => new Promise((resolve) => writer.on("exit", resolve)));
    let running = true;
    const all = Promise.all(ends).then((codes) => {
      running = false;
      return codes;
    });
    while (running) {
      expect(await cache.find("k", ".bin")).toBe(path);
      await cache.store("k", ".bin", Buffer.alloc(100_000, 7));
    }
    expect(await all).toEqual([0, 0]);
    expect(existsSync(path)).toBe(true);
  });
});
