/** What killed processes left is removed, and nothing else. */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect, it } from "vitest";
import { writeFileAtomically } from "../../runtime/atomic-file.js";
import { inTemporaryFolder, nameBeside, removeUnfinished, temporaryFolder } from "../../runtime/leftovers.js";
import { clearPrefix } from "../../runtime/solver/paths.js";
import { scratchFolder } from "../support/scratch.js";

const scratch = scratchFolder();

/** The number of a process that is no more. */
const DEAD = spawnSync(process.execPath, ["-e", ""]).pid;

const madeBy = (name: string, pid: number): string => name.replace(`-${process.pid}-`, `-${pid}-`);

/** The same name by a maker of another machine. */
const elsewhere = (name: string): string => name.replace(/\.[0-9a-f]{8}-/, ".00000000-");

function plant(folder: string, names: readonly string[], hoursAgo = 0): readonly string[] {
  for (const name of names) {
    const path = join(folder, name);
    writeFileSync(path, "part");
    const seconds = Date.now() / 1000 - 3600 * hoursAgo;
    utimesSync(path, seconds, seconds);
  }
  return names;
}

function newFolder(name: string): string {
  const folder = join(scratch.path, name);
  mkdirSync(folder);
  return folder;
}

it("unfinished files of the dead go, and only those of the prefix", async () => {
  const folder = newFolder("prefix");
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  try {
    const stem = "lenet_with_a_name_longer_than_what_is_kept_iter_20.caffemodel";
    const kept = [
      ...plant(folder, [
        // Of this process, of a live one, of another machine, of another prefix, and of nobody's making.
        nameBeside("net_iter_1.caffemodel"),
        madeBy(nameBeside("net_iter_1.caffemodel"), other.pid ?? 0),
        elsewhere(madeBy(nameBeside("net_iter_1.caffemodel"), DEAD)),
        madeBy(nameBeside("network_iter_1.caffemodel"), DEAD),
        ".net_iter_1.caffemodel.part",
        ".net_iter_1.caffemodel.0123456789ab.part",
        "net_iter_1.caffemodel.part",
      ]),
      ...plant(folder, ["net_iter_2.caffemodel"], 1000),
    ];
    mkdirSync(join(folder, madeBy(nameBeside("net_iter_4.caffemodel"), DEAD)));
    symlinkSync("net_iter_2.caffemodel", join(folder, madeBy(nameBeside("net_iter_5.caffemodel"), DEAD)));
    const others = readdirSync(folder).filter((name) => !kept.includes(name));
    plant(folder, [
      madeBy(nameBeside("net_iter_1.caffemodel"), DEAD),
      madeBy(nameBeside("net_iter_30.solverstate.h5"), DEAD),
    ]);
    // A process of this number was there before this one; and what is a day old has no maker any more.
    plant(folder, [nameBeside("net_iter_1.caffemodel")], 12);
    plant(
      folder,
      [elsewhere(nameBeside("net_iter_1.caffemodel")), ".net_iter_1.caffemodel.0123456789ac.part"],
      25,
    );
    await clearPrefix(join(folder, "net"));
    expect(readdirSync(folder).sort()).toEqual([...kept, ...others].sort());

    plant(folder, [madeBy(nameBeside(stem), DEAD)]);
    await clearPrefix(join(folder, stem.slice(0, -"_iter_20.caffemodel".length)));
    expect(readdirSync(folder).sort()).toEqual([...kept, ...others].sort());
  } finally {
    other.kill();
  }
});

it("a writer removes what the last one of this name left", async () => {
  const folder = newFolder("writer");
  const others = plant(folder, [madeBy(nameBeside("b"), DEAD)]);
  plant(folder, [madeBy(nameBeside("a"), DEAD)]);
  await writeFileAtomically(join(folder, "a"), "whole");
  expect(readdirSync(folder).sort()).toEqual([...others, "a"].sort());
  await removeUnfinished(folder, "");
  expect(readdirSync(folder)).toEqual(["a"]);
  await removeUnfinished(join(folder, "none"), "");
});

it("temporary folders say whose they are, go with their work, and those of the dead are removed", async () => {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = newFolder("tmp");
  try {
    const left = join(tmpdir(), madeBy(basename(await nameOfOne()), DEAD));
    mkdirSync(left);
    writeFileSync(join(left, "x.h5"), "");
    const mine = join(tmpdir(), "cortado-notes-12345678-1-abcdef.txt");
    writeFileSync(mine, "");
    // Each folder for temporary files is looked through once.
    const seen = join(scratch.path, "again");
    symlinkSync(join(scratch.path, "tmp"), seen);
    process.env["TMPDIR"] = seen;
    const { path, remove } = await temporaryFolder("state");
    expect(dirname(path)).toBe(seen);
    expect([existsSync(path), existsSync(left), existsSync(mine)]).toEqual([true, false, true]);
    await remove();
    expect(existsSync(path)).toBe(false);
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
});

/** The path of a temporary folder, which is gone again even though its work failed. */
async function nameOfOne(): Promise<string> {
  let path = "";
  const work = inTemporaryFolder("h5", (folder) => {
    path = folder;
    throw new Error("failed");
  });
  await expect(work).rejects.toThrow("failed");
  expect(existsSync(path)).toBe(false);
  return path;
}
