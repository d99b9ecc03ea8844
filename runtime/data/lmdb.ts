import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type CortadoError, fileError, userError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { type BlockFile, openBlockFile } from "./blockfile.js";
import type { KeyValueCursor } from "./records.js";

/**
 * A read-only reader of LMDB's file format: a copy-on-write B+tree of fixed-size pages, as 64-bit little-endian
 * machines write it. Page 0 and 1 are meta pages; the one with the higher transaction number is current.
 *
 *     page      number u64, [transaction u64 in version 2], pad u16, flags u16, lower u16, upper u16
 *     meta      magic u32, version u32, address u64, map size u64, free tree 48 bytes, main tree 48 bytes,
 *               last page u64, transaction u64
 *     tree      pad u32 (of the free tree: the page size), flags u16, depth u16, branch, leaf and overflow
 *               pages u64 each, entries u64, root page u64
 *     node      low u16, high u16, flags u16, key size u16, key, then (in a leaf) the value or the number of
 *               the first of the overflow pages that hold it
 *
 * Everything is checked against the page and the file before it is used. Keys must rise, all records stand at one
 * depth, and no page is used twice, so a corrupt file with a cycle ends in an error and never in a loop.
 */

const MAGIC = 0xbeefc0de;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const META = 0x08;
const LEAF2 = 0x20;
const BIG_DATA = 0x01;
const SUB_DATA = 0x02;
const DUP_DATA = 0x04;
const REVERSE_KEY = 0x02;
const DUP_SORT = 0x04;
const INTEGER_KEY = 0x08;
const NO_PAGE = 0xffffffffffffffffn;
const NODE_HEADER = 8;
const DEEPEST = 32;

/** What differs between the two versions of the format. */
interface Layout {
  /** Bytes of a page's header. */
  readonly header: number;
  /** What `lower`, `upper` and the node offsets are counted from. */
  readonly base: number;
}
const LAYOUTS: Readonly<Record<number, Layout>> = {
  1: { header: 16, base: 0 },
  2: { header: 24, base: 24 },
};

interface Meta {
  readonly layout: Layout;
  readonly pageSize: number;
  readonly flags: number;
  readonly depth: number;
  readonly entries: number;
  readonly root: bigint;
  readonly transaction: bigint;
}

/** True for a folder with a data.mdb, whatever its state, and for a file with LMDB's magic number. */
export async function isLmdb(path: string): Promise<boolean> {
  const data = await dataFile(path);
  if (data !== path)
    return stat(data).then(
      () => true,
      () => false,
    );
  const file = await openBlockFile(path);
  try {
    return (await findMagic(file)) !== undefined;
  } finally {
    await file.close();
  }
}

/**
 * Opens an LMDB database: a folder with data.mdb, or that file. Takes no lock and writes nothing.
 *
 * @throws CortadoError when it cannot be read, is cut short or corrupt, or holds named databases
 */
export async function openLmdb(path: string): Promise<KeyValueCursor> {
  const file = await openBlockFile(await dataFile(path));
  try {
    return cursorOver(file, await readMeta(file));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function dataFile(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? join(path, "data.mdb") : path;
  } catch (error) {
    throw fileError(`cannot open ${quotedPath(path)}`, error);
  }
}

function corrupt(file: BlockFile, what: string): CortadoError {
  return userError(`${quotedPath(file.path)}: corrupt LMDB file: ${what}`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The layout by where the magic number stands, which follows from the header's size. */
async function findMagic(file: BlockFile): Promise<Layout | undefined> {
  if (file.size < 192) return undefined;
  const view = viewOf(await file.read(0, 192));
  return [LAYOUTS[1], LAYOUTS[2]].find((layout) => view.getUint32(layout.header, true) === MAGIC);
}

async function readMeta(file: BlockFile): Promise<Meta> {
  const layout = await findMagic(file);
  if (!layout) throw userError(`${quotedPath(file.path)} is not an LMDB file: its magic number is missing`);
  const first = await metaAt(file, layout, 0);
  const pageSizes = first ? [first.pageSize] : [4096, 8192, 16384, 32768, 65536, 512, 1024, 2048];
  const metas: Meta[] = first ? [first] : [];
  for (const pageSize of pageSizes) {
    const second = await metaAt(file, layout, pageSize);
    if (second && second.pageSize === pageSize) {
      metas.push(second);
      break;
    }
  }
  const [newest] = metas.sort((a, b) => (a.transaction < b.transaction ? 1 : -1));
  if (!newest) throw corrupt(file, "no usable meta page");
  if (newest.flags & DUP_SORT) {
    throw userError(
      `${quotedPath(file.path)} holds several values per key (DUPSORT); Caffe's databases never do`,
    );
  }
  return newest;
}

/** The meta page at an offset; undefined when it is not one (a crash may leave one of the two torn). */
async function metaAt(file: BlockFile, layout: Layout, offset: number): Promise<Meta | undefined> {
  const { header } = layout;
  if (offset + header + 136 > file.size) return undefined;
  const view = viewOf(await file.read(offset, header + 136));
  const at = header;
  if (!(view.getUint16(header - 6, true) & META) || view.getUint32(at, true) !== MAGIC) return undefined;
  const version = view.getUint32(at + 4, true);
  if (LAYOUTS[version] !== layout) {
    throw userError(`${quotedPath(file.path)}: LMDB data format ${version} is not known; 1 and 2 are`);
  }
  const pageSize = view.getUint32(at + 24, true);
  if (pageSize < 256 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0) {
    throw corrupt(file, `a page size of ${pageSize}`);
  }
  const main = at + 72;
  const entries = view.getBigUint64(main + 32, true);
  const depth = view.getUint16(main + 6, true);
  // A record takes at least a node header and its offset, so the size of the file bounds their number.
  if (entries > BigInt(Math.ceil(file.size / (NODE_HEADER + 2)))) {
    throw corrupt(file, `${entries} records cannot stand in ${file.size} bytes`);
  }
  if (depth > DEEPEST) throw corrupt(file, `a tree of depth ${depth}`);
  return {
    layout,
    pageSize,
    flags: view.getUint16(main + 4, true),
    depth,
    entries: Number(entries),
    root: view.getBigUint64(main + 40, true),
    transaction: view.getBigUint64(main + 56, true),
  };
}

/** A page on the way from the root to the current leaf. */
interface Level {
  readonly number: number;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly leaf: boolean;
  readonly count: number;
  next: number;
}

interface Node {
  readonly flags: number;
  readonly key: Uint8Array;
  /** In a branch: the child's page. In a leaf: the value's size. */
  readonly number: number;
  /** Offset in the page of what follows the key. */
  readonly data: number;
}

function cursorOver(file: BlockFile, meta: Meta): KeyValueCursor {
  const { layout, pageSize } = meta;
  const pages = Math.ceil(file.size / pageSize);
  const ordered = (meta.flags & (REVERSE_KEY | INTEGER_KEY)) === 0;
  let path: Level[] = [];
  let started = false;
  let passed = 0;
  let lastKey: Uint8Array | undefined;
  const claimed = createPageSet();
  /** Each page belongs to one branch, leaf or value. */
  const claim = (number: number): void => {
    if (!claimed.add(number)) throw corrupt(file, `page ${number} is used twice`);
  };

  const openPage = async (number: number, depth: number): Promise<Level> => {
    if (number < 2 || number >= pages) throw corrupt(file, `page ${number} of ${pages}`);
    if (depth > meta.depth) throw corrupt(file, `deeper than the ${meta.depth} levels it declares`);
    claim(number);
    // A copy: the walk comes back to branch pages after other reads.
    const bytes = (await file.read(number * pageSize, pageSize)).slice();
    const view = viewOf(bytes);
    if (view.getBigUint64(0, true) !== BigInt(number))
      throw corrupt(file, `page ${number} bears another number`);
    const flags = view.getUint16(layout.header - 6, true);
    if (flags & (META | OVERFLOW | LEAF2) || ((flags & BRANCH) !== 0) === ((flags & LEAF) !== 0)) {
      throw corrupt(file, `page ${number} is of kind 0x${flags.toString(16)}`);
    }
    const lower = view.getUint16(layout.header - 4, true) + layout.base;
    const upper = view.getUint16(layout.header - 2, true) + layout.base;
    if (lower < layout.header || upper < lower || upper > pageSize || lower % 2 !== 0) {
      throw corrupt(file, `page ${number} has bounds ${lower} and ${upper}`);
    }
    const count = (lower - layout.header) / 2;
    if (count === 0) throw corrupt(file, `page ${number} is empty`);
    const leaf = (flags & LEAF) !== 0;
    if (leaf && depth !== meta.depth)
      throw corrupt(file, `records at level ${depth} of the ${meta.depth} it declares`);
    return { number, view, bytes, leaf, count, next: 0 };
  };

  const nodeAt = ({ number, view, bytes, leaf }: Level, index: number): Node => {
    const at = view.getUint16(layout.header + 2 * index, true) + layout.base;
    if (at < layout.header || at + NODE_HEADER > pageSize)
      throw corrupt(file, `a node outside page ${number}`);
    const low = view.getUint16(at, true) + view.getUint16(at + 2, true) * 65536;
    const flags = view.getUint16(at + 4, true);
    const data = at + NODE_HEADER + view.getUint16(at + 6, true);
    if (data > pageSize) throw corrupt(file, `a key that leaves page ${number}`);
    const key = bytes.subarray(at + NODE_HEADER, data);
    return { flags: leaf ? flags : 0, key, number: leaf ? low : low + flags * 2 ** 32, data };
  };

  const enterRoot = async (): Promise<void> => {
    started = true;
    if (meta.root === NO_PAGE) return;
    if (meta.root > BigInt(pages)) throw corrupt(file, `its root is page ${meta.root} of ${pages}`);
    path = [await openPage(Number(meta.root), 1)];
  };

  /** Counts a record, and refuses one that no database of Caffe's holds. */
  const checkRecord = ({ number }: Level, { flags, key }: Node): void => {
    if (flags & (SUB_DATA | DUP_DATA))
      throw userError(`${quotedPath(file.path)} holds named databases inside it; Caffe's databases never do`);
    if (ordered && lastKey && Buffer.compare(lastKey, key) >= 0)
      throw corrupt(file, `keys of page ${number} do not rise`);
    if (++passed > meta.entries) throw corrupt(file, `more than the ${meta.entries} records it declares`);
    lastKey = key;
  };

  /** Goes to the next leaf node, or undefined at the end. */
  const advance = async (): Promise<{ level: Level; node: Node } | undefined> => {
    if (!started) await enterRoot();
    while (path.length > 0) {
      const level = path[path.length - 1];
      if (level.next >= level.count) {
        path.pop();
        continue;
      }
      const node = nodeAt(level, level.next++);
      if (!level.leaf) {
        path.push(await openPage(node.number, path.length + 1));
        continue;
      }
      checkRecord(level, node);
      return { level, node };
    }
    if (passed !== meta.entries) throw corrupt(file, `${passed} of the ${meta.entries} records it declares`);
    return undefined;
  };

  const valueAt = async ({ number, view, bytes }: Level, node: Node): Promise<Uint8Array> => {
    if (!(node.flags & BIG_DATA)) {
      if (node.data + node.number > pageSize) throw corrupt(file, `a value that leaves page ${number}`);
      return bytes.subarray(node.data, node.data + node.number);
    }
    if (node.data + 8 > pageSize) throw corrupt(file, `a value that leaves page ${number}`);
    const first = view.getBigUint64(node.data, true);
    if (first < 2n || first >= BigInt(pages)) throw corrupt(file, `a value at page ${first} of ${pages}`);
    const offset = Number(first) * pageSize;
    const head = viewOf(await file.read(offset, layout.header));
    const held = head.getUint32(layout.header - 4, true) * pageSize - layout.header;
    if (head.getBigUint64(0, true) !== first || !(head.getUint16(layout.header - 6, true) & OVERFLOW)) {
      throw corrupt(file, `page ${first} should hold a long value`);
    }
    if (node.number > held) throw corrupt(file, `a value longer than the pages from ${first} on`);
    const end = offset + layout.header + node.number;
    for (let page = Number(first); page * pageSize < end; page++) claim(page);
    return (await file.read(offset + layout.header, node.number)).slice();
  };

  return {
    count: meta.entries,
    async next() {
      const found = await advance();
      return found && { key: found.node.key, value: await valueAt(found.level, found.node) };
    },
    skip: async () => (await advance()) !== undefined,
    async rewind() {
      path = [];
      started = false;
      passed = 0;
      lastKey = undefined;
      claimed.clear();
    },
    close: () => file.close(),
  };
}

const PAGES_IN_PART = 1 << 16;

/** A set of page numbers, a bit for each; the memory it takes is that of the parts that are in use. */
function createPageSet(): { add(number: number): boolean; clear(): void } {
  const parts = new Map<number, Uint8Array>();
  return {
    add(number) {
      const index = Math.floor(number / PAGES_IN_PART);
      const part = parts.get(index) ?? new Uint8Array(PAGES_IN_PART / 8);
      parts.set(index, part);
      const within = number % PAGES_IN_PART;
      const bit = 1 << (within & 7);
      const isNew = (part[within >> 3] & bit) === 0;
      part[within >> 3] |= bit;
      return isNew;
    },
    clear: () => parts.clear(),
  };
}
