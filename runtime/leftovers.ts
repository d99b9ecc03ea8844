/**
 * Files and folders that are there for a while only. Their names say which process made them, so that what a process
 * left behind that was killed is known and can be removed by a later one.
 */

import { createHash, randomBytes } from "node:crypto";
import { readlinkSync, rmSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf } from "../proto/words/trouble.js";

/** Numbers of processes mean something on one machine, and there in one container. */
const HERE = createHash("sha256").update(`${hostname()} ${processNumbers()}`).digest("hex").slice(0, 8);

function processNumbers(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

const MAKER = `${HERE}-${process.pid}`;
const STARTED = Date.now() - 1000 * process.uptime();
const DAY = 24 * 3600 * 1000;

/** What is there now, and is to go with the process. */
const ours = new Set<string>();

function removeOurs(): void {
  for (const path of ours) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // The process ends: nobody is left to tell.
    }
  }
}

/** Removes a path when the process ends, unless `forget` is called before. */
export function removeAtExit(path: string): { readonly forget: () => void } {
  if (ours.size === 0) process.on("exit", removeOurs);
  ours.add(path);
  return {
    forget() {
      ours.delete(path);
      if (ours.size === 0) process.off("exit", removeOurs);
    },
  };
}

/** Of a file's own name, this much is kept in that of the file beside it: systems limit names to 255 bytes. */
const LONGEST_STEM = 40;
/** The file's name, who made it, and a number of its own. Before it said who made it there was only the number. */
const BESIDE = /^\.(.+)\.(?:([0-9a-f]{8})-(\d{1,10})-)?[0-9a-f]{12}\.part$/s;
const TEMPORARY_FOLDER = /^cortado-[a-z0-9]+-([0-9a-f]{8})-(\d{1,10})-\w{6}$/;

/** A name for the file that becomes `name`: hidden, and no other has it. */
export const nameBeside = (name: string): string =>
  `.${name.slice(0, LONGEST_STEM)}.${MAKER}-${randomBytes(6).toString("hex")}.part`;

/**
 * Removes the unfinished files of writers that are no more: those in a folder that were to have a name that begins with
 * `start`. What cannot be read or removed stays.
 */
export async function removeUnfinished(folder: string, start: string): Promise<void> {
  for (const { path, stem, maker } of await unfinishedIn(folder))
    if (stem.startsWith(start.slice(0, LONGEST_STEM))) await removeAbandoned(path, maker);
}

/** What was unfinished in a folder when this process first wrote there. */
const foundUnfinished = new Map<string, Promise<readonly Unfinished[]>>();

/** The same of one name, for a writer of many files: a folder is looked through once. */
export async function removeUnfinishedOf(folder: string, name: string): Promise<void> {
  const found = foundUnfinished.get(folder) ?? unfinishedIn(folder);
  foundUnfinished.set(folder, found);
  for (const { path, stem, maker } of await found)
    if (stem === name.slice(0, LONGEST_STEM)) await removeAbandoned(path, maker);
}

/** Who made an entry; without a mark nobody knows. */
interface Maker {
  readonly mark: string | undefined;
  readonly pid: number;
}

interface Unfinished {
  readonly path: string;
  /** The beginning of the name that it was to have. */
  readonly stem: string;
  readonly maker: Maker;
}

async function unfinishedIn(folder: string): Promise<readonly Unfinished[]> {
  return (await entriesOf(folder)).flatMap((entry) => {
    const [, stem, mark, pid] = BESIDE.exec(entry) ?? [];
    return stem === undefined ? [] : [{ path: join(folder, entry), stem, maker: { mark, pid: Number(pid) } }];
  });
}

const entriesOf = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

/** Removes a file, or a folder, if whoever made it is no more. */
async function removeAbandoned(
  path: string,
  { mark, pid }: Maker,
  kind: "file" | "folder" = "file",
): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (!found || !(kind === "folder" ? found.isDirectory() : found.isFile())) return;
  if (process.getuid && found.uid !== process.getuid()) return;
  // Of other machines it cannot be known; there a day has to have passed. And in a container that is started again, a
  // program has the same number every time.
  const isAbandoned =
    mark !== HERE
      ? Date.now() - found.mtimeMs > DAY
      : pid === process.pid
        ? found.mtimeMs < STARTED - 1000
        : !isAlive(pid);
  if (isAbandoned) await rm(path, { recursive: kind === "folder", force: true }).catch(() => undefined);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

const swept = new Set<string>();

export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/**
 * A folder of this process alone, in the system's folder for temporary files; gone when it is removed, or else when the
 * process ends. The first one also removes those of processes that are no more.
 *
 * @param kind what it is for: lower case letters and digits
 * @throws the file system's error
 */
export async function temporaryFolder(kind: string): Promise<TemporaryFolder> {
  const above = tmpdir();
  if (!swept.has(above)) {
    swept.add(above);
    for (const entry of await entriesOf(above)) {
      const [, mark, pid] = TEMPORARY_FOLDER.exec(entry) ?? [];
      if (mark !== undefined) await removeAbandoned(join(above, entry), { mark, pid: Number(pid) }, "folder");
    }
  }
  const path = await mkdtemp(join(above, `cortado-${kind}-${MAKER}-`));
  const { forget } = removeAtExit(path);
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true });
      forget();
    },
  };
}

/** Does some work in a temporary folder. @throws what the work throws, or the file system's error */
export async function inTemporaryFolder<T>(kind: string, work: (folder: string) => Promise<T>): Promise<T> {
  const { path, remove } = await temporaryFolder(kind);
  try {
    return await work(path);
  } finally {
    await remove();
  }
}
