import type { FileHandle } from "node:fs/promises";
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CortadoError, fileError, userError } from "../../proto/errors/index.js";
import { quoted, quotedPath } from "../../proto/words/names.js";
import { codeOf } from "../../proto/words/trouble.js";
import { writeAtomically } from "../atomic-file.js";
import type { KeyValue } from "./records.js";

/*
 * LMDB's file format, as lmdb.ts reads it, in version 1: the one of Caffe's and Python's lmdb. Records come in the order of their
 * keys, so leaves are filled one after the other, and the branches above them are made when all are known; nothing is ever
 * moved. The rules of LMDB's own writer hold: a value that leaves no room for a second one has pages of its own, the first key of
 * a branch is empty, and a branch has two children at least.
 */

const PAGE = 4096;
const HEADER = 16;
const NODE_HEADER = 8;
const MAGIC = 0xbeefc0de;
const [BRANCH, LEAF, OVERFLOW, META] = [0x01, 0x02, 0x04, 0x08];
const BIG_DATA = 0x01;
const INTEGER_KEY = 0x08;
const NO_PAGE = 0xffffffffffffffffn;
/** LMDB's limits: of a key, and of a node that lies in a page with another one. */
export const LONGEST_KEY = 511;
const LARGEST_NODE = (((PAGE - HEADER) / 2) & ~1) - 2;
/** Pages that are written at once. */
const AT_ONCE = 256;
/** The size that a program may let the file grow to is no less than this, as the file says it. */
const LEAST_MAP = 2 ** 20;

/** A record's or a child's entry in a page. */
interface Entry {
  readonly key: Uint8Array;
  /** In a leaf: the value's size; in a branch: the child's page. */
  readonly number: number;
  readonly flags: number;
  /** What follows the key. */
  readonly data: Uint8Array;
}

const NOTHING = new Uint8Array();
const entrySize = ({ key, data }: Entry): number => (NODE_HEADER + key.length + data.length + 1) & ~1;

/** What the file says of its tree. */
interface Tree {
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly overflows: number;
  readonly entries: number;
  readonly root: bigint;
}

/**
 * Writes a database: a folder with `data.mdb`, whole or not at all. A folder that is there must be empty.
 *
 * @param records in the order of their keys, no two alike
 * @returns how many there were
 * @throws CortadoError where something is there already, it cannot be written, or keys do not rise
 */
export async function writeLmdb(folder: string, records: AsyncIterable<KeyValue>): Promise<number> {
  const made = await makeEmptyFolder(folder);
  try {
    let entries = 0;
    await writeAtomically(join(folder, "data.mdb"), async (file) => {
      entries = await writeDatabase(file, records);
    });
    return entries;
  } catch (error) {
    if (made !== undefined) await removeEmpty(folder, made);
    throw error instanceof CortadoError || codeOf(error) === undefined
      ? error
      : fileError(`cannot write ${quotedPath(folder)}`, error);
  }
}

/** @returns the first folder on the way there that was made, where one was. @throws CortadoError where it has files */
async function makeEmptyFolder(folder: string): Promise<string | undefined> {
  try {
    const made = await mkdir(folder, { recursive: true });
    const found = (await readdir(folder)).filter((name) => !name.startsWith("."));
    if (found.length === 0) return made;
  } catch (error) {
    throw fileError(`cannot write ${quotedPath(folder)}`, error);
  }
  throw userError(
    `${quotedPath(folder)} is there already, with files in it`,
    "a database is written into a new folder: remove that one, or choose another name",
  );
}

/** Removes folders that were made, as far as they are empty: this one, and those above it up to `first`. */
async function removeEmpty(folder: string, first: string): Promise<void> {
  for (let path = resolve(folder); path.length >= resolve(first).length; path = dirname(path))
    await rmdir(path).catch(() => undefined);
}

async function writeDatabase(file: FileHandle, records: AsyncIterable<KeyValue>): Promise<number> {
  const pages = createPages(file);
  const tree = await writeTree(pages, records);
  await pages.flush();
  const size = Math.max(LEAST_MAP, pages.count() * PAGE);
  // The page with the higher transaction is current; the other one is the empty database before it.
  const empty: Tree = { depth: 0, branches: 0, leaves: 0, overflows: 0, entries: 0, root: NO_PAGE };
  for (const [number, of] of [empty, tree].entries())
    await file.write(
      metaPage(number, of, number === 0 ? 1 : pages.count() - 1, size),
      0,
      PAGE,
      number * PAGE,
    );
  return tree.entries;
}

function metaPage(number: number, tree: Tree, lastPage: number, size: number): Buffer {
  const page = Buffer.alloc(PAGE);
  page.writeBigUInt64LE(BigInt(number), 0);
  page.writeUInt16LE(META, 10);
  page.writeUInt32LE(MAGIC, HEADER);
  page.writeUInt32LE(1, HEADER + 4);
  page.writeBigUInt64LE(BigInt(size), HEADER + 16);
  // Free pages, of which there are none, and the page size in place of their padding.
  page.writeUInt32LE(PAGE, HEADER + 24);
  page.writeUInt16LE(INTEGER_KEY, HEADER + 28);
  page.writeBigUInt64LE(NO_PAGE, HEADER + 64);
  const main = HEADER + 72;
  page.writeUInt16LE(tree.depth, main + 6);
  for (const [i, count] of [tree.branches, tree.leaves, tree.overflows, tree.entries].entries())
    page.writeBigUInt64LE(BigInt(count), main + 8 + 8 * i);
  page.writeBigUInt64LE(tree.root, main + 40);
  page.writeBigUInt64LE(BigInt(lastPage), main + 48);
  page.writeBigUInt64LE(BigInt(number), main + 56);
  return page;
}

/** Pages one after the other, from the third on; some hundred are written at once. */
function createPages(file: FileHandle) {
  let [next, written] = [2, 2];
  const held: Uint8Array[] = [];
  const flush = async (): Promise<void> => {
    if (held.length === 0) return;
    const bytes = Buffer.concat(held.splice(0));
    await file.write(bytes, 0, bytes.length, written * PAGE);
    written = next;
  };
  return {
    flush,
    count: () => next,
    /** Takes whole pages, the first of which is given its number by `make`. */
    async put(make: (number: number) => Uint8Array): Promise<number> {
      const number = next;
      const bytes = make(number);
      held.push(bytes);
      next += bytes.length / PAGE;
      if (next - written >= AT_ONCE) await flush();
      return number;
    },
  };
}

type Pages = ReturnType<typeof createPages>;

async function writeTree(pages: Pages, records: AsyncIterable<KeyValue>): Promise<Tree> {
  let [overflows, entries] = [0, 0];
  let before: Uint8Array | undefined;
  let [held, used]: [Entry[], number] = [[], HEADER];
  let children: Entry[] = [];
  const finishLeaf = async (): Promise<void> => {
    if (held.length === 0) return;
    const [{ key }] = held;
    const number = await pages.put((own) => treePage(own, LEAF, held));
    children.push({ key, number, flags: 0, data: NOTHING });
    [held, used] = [[], HEADER];
  };
  for await (const { key, value } of records) {
    checkKey(key, before);
    [before, entries] = [key, entries + 1];
    const isBig = NODE_HEADER + key.length + value.length > LARGEST_NODE;
    const data = isBig ? await writeBig(pages, value) : value;
    if (isBig) overflows += pagesFor(value);
    const entry: Entry = { key, number: value.length, flags: isBig ? BIG_DATA : 0, data };
    const size = entrySize(entry) + 2;
    if (used + size > PAGE) await finishLeaf();
    held.push(entry);
    used += size;
  }
  await finishLeaf();
  const leaves = children.length;
  if (leaves === 0) return { depth: 0, branches: 0, leaves, overflows, entries, root: NO_PAGE };
  let [depth, branches] = [1, 0];
  for (; children.length > 1; depth++) {
    const above: Entry[] = [];
    for (const own of inBranches(children)) {
      const number = await pages.put((page) => treePage(page, BRANCH, own));
      above.push({ ...own[0], number });
    }
    branches += above.length;
    // The keys of a branch are looked at from the second on.
    children = above;
  }
  return { depth, branches, leaves, overflows, entries, root: BigInt(children[0].number) };
}

function checkKey(key: Uint8Array, before: Uint8Array | undefined): void {
  const shown = (of: Uint8Array): string => quoted(new TextDecoder().decode(of));
  if (key.length === 0 || key.length > LONGEST_KEY)
    throw userError(`LMDB's keys have 1 to ${LONGEST_KEY} bytes, and ${shown(key)} has ${key.length}`);
  if (before && Buffer.compare(before, key) >= 0)
    throw userError(`keys of a database must rise, and ${shown(key)} follows ${shown(before)}`);
}

const pagesFor = (value: Uint8Array): number => Math.ceil((HEADER + value.length) / PAGE);

/** A value in pages of its own. @returns what its entry holds: the number of the first */
async function writeBig(pages: Pages, value: Uint8Array): Promise<Uint8Array> {
  const count = pagesFor(value);
  const number = await pages.put((own) => {
    const bytes = Buffer.alloc(count * PAGE);
    bytes.writeBigUInt64LE(BigInt(own), 0);
    bytes.writeUInt16LE(OVERFLOW, 10);
    bytes.writeUInt32LE(count, 12);
    bytes.set(value, HEADER);
    return bytes;
  });
  const at = Buffer.alloc(8);
  at.writeBigUInt64LE(BigInt(number));
  return at;
}

/** Entries of one level as pages: as many as fit, and two at least. */
function inBranches(children: readonly Entry[]): readonly (readonly Entry[])[] {
  const made: Entry[][] = [];
  let used = PAGE;
  for (const child of children) {
    const size = entrySize(child) + 2;
    if (used + size > PAGE) {
      made.push([]);
      used = HEADER;
    }
    made[made.length - 1].push(child);
    used += size;
  }
  const [before, last] = made.slice(-2);
  const moved = last?.length === 1 ? before.pop() : undefined;
  if (moved) last.unshift(moved);
  return made;
}

/** A page of a tree: places of its entries behind the header, the entries from the end. */
function treePage(number: number, kind: number, entries: readonly Entry[]): Buffer {
  const page = Buffer.alloc(PAGE);
  let upper = PAGE;
  for (const [i, { key, number: low, flags, data }] of entries.entries()) {
    const own = kind === BRANCH && i === 0 ? NOTHING : key;
    upper -= (NODE_HEADER + own.length + data.length + 1) & ~1;
    page.writeUInt16LE(upper, HEADER + 2 * i);
    page.writeUInt32LE(low % 2 ** 32, upper);
    // A child's number has 48 bits: its flags are the upper ones.
    page.writeUInt16LE(kind === BRANCH ? Math.floor(low / 2 ** 32) : flags, upper + 4);
    page.writeUInt16LE(own.length, upper + 6);
    page.set(own, upper + NODE_HEADER);
    page.set(data, upper + NODE_HEADER + own.length);
  }
  page.writeBigUInt64LE(BigInt(number), 0);
  page.writeUInt16LE(kind, 10);
  page.writeUInt16LE(HEADER + 2 * entries.length, 12);
  page.writeUInt16LE(upper, 14);
  return page;
}
