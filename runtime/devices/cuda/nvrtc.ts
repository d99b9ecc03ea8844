import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Addon, type Nvrtc, openAddon } from "../../../native/addon.js";
import { userError } from "../../../proto/errors/index.js";
import { quoted, quotedPath } from "../../../proto/words/names.js";
import { messageOf } from "../../../proto/words/trouble.js";
import {
  fromLoader,
  fromPython,
  LIBRARY,
  type Looked,
  nvrtcFolders,
  toolkitFolders,
} from "./nvrtc-places.js";

/** NVRTC, opened. */
export interface FoundNvrtc {
  readonly addon: Addon;
  readonly nvrtc: Nvrtc;
  readonly path: string;
  readonly version: readonly [major: number, minor: number];
  /** Compute capabilities it compiles for: 90 is sm_90. */
  readonly architectures: readonly number[];
}

/** What a search came to; `fault` where nothing more was tried because CORTADO_NVRTC, or the addon, is at fault. */
export type NvrtcSearch =
  | { readonly found: FoundNvrtc }
  | { readonly found?: undefined; readonly fault?: string; readonly looked: readonly Looked[] };

/** CUDA 12 is the oldest whose NVRTC has all that is called, and makes cubins on its own. */
const OLDEST = 12;
/** What a driver knows how to load; absent: any. */
export type NewestMajor = number | undefined;

const HOW_TO_GET =
  '"pip install nvidia-cuda-nvrtc" brings NVRTC (it needs no GPU); or name the file, or its folder, in CORTADO_NVRTC';

const searches = new Map<NewestMajor, Promise<NvrtcSearch>>();

/**
 * Finds NVRTC, once per process: what was found stays; what was not is looked for again.
 *
 * @param newest majors beyond it are passed over: a driver does not load what a newer NVRTC compiles
 */
export function findNvrtc(newest?: NewestMajor): Promise<NvrtcSearch> {
  const known = searches.get(newest);
  if (known) return known;
  const search = searchNvrtc(newest);
  searches.set(newest, search);
  const forget = (): void => void searches.delete(newest);
  search.then(({ found }) => found ?? forget(), forget);
  return search;
}

/** As `findNvrtc`. @throws a user error that says what is missing, where it was looked for, and how to get it */
export async function requireNvrtc(newest?: NewestMajor): Promise<FoundNvrtc> {
  const search = await findNvrtc(newest);
  if (search.found) return search.found;
  const { fault, looked } = search;
  if (fault !== undefined) throw userError(`CUDA kernels cannot be compiled: ${fault}`, HOW_TO_GET);
  const places = looked.map(({ place, why }) => `\n    ${place}: ${why}`).join("");
  throw userError(
    "CUDA kernels cannot be compiled: NVRTC was not found",
    `${HOW_TO_GET}\n  looked at:${places}`,
  );
}

/** @throws a user error where this NVRTC does not compile for an architecture ("sm_90") */
export function requireArchitecture(
  { architectures, version, path }: Pick<FoundNvrtc, "architectures" | "version" | "path">,
  architecture: string,
): void {
  const capability = /^sm_(\d{2,3})[af]?$/.exec(architecture)?.[1];
  const known = architectures.map((one) => `sm_${one}`).join(", ");
  if (capability === undefined)
    throw userError(`${quoted(architecture)} is no GPU architecture`, `NVRTC knows: ${known}`);
  if (!architectures.includes(Number(capability)))
    throw userError(
      `NVRTC ${version.join(".")} (${path}) does not compile for ${architecture}`,
      `it knows: ${known}`,
    );
}

/** Looks anew, wherever NVRTC may be, and opens the first that will do. */
export async function searchNvrtc(newest?: NewestMajor): Promise<NvrtcSearch> {
  const opened = openAddon();
  if (!opened.addon) return { fault: opened.why, looked: [] };
  const { addon } = opened;
  const looked: Looked[] = [];
  const tried = new Set<string>();
  const open = async (path: string): Promise<FoundNvrtc | undefined> => {
    // Several names lead to one file.
    const real = path.includes("/") ? await realpath(path).catch(() => path) : path;
    if (tried.has(real)) return undefined;
    tried.add(real);
    const outcome = await tryOpen(addon, path, newest);
    if (typeof outcome !== "string") return outcome;
    looked.push({ place: path, why: outcome });
    return undefined;
  };
  const inFolder = async (folder: string): Promise<FoundNvrtc | undefined> => {
    const files = await librariesIn(folder);
    if (files.length === 0) looked.push({ place: folder, why: "no libnvrtc there" });
    for (const file of files) {
      const found = await open(join(folder, file));
      if (found) return found;
    }
    return undefined;
  };

  const given = process.env["CORTADO_NVRTC"];
  if (given) {
    const found = await openGiven(given, open, inFolder);
    if (found) return { found };
    const why = looked.map((one) => `${one.place}: ${one.why}`).join("; ");
    return { fault: `CORTADO_NVRTC is ${quotedPath(given)}, and ${why}`, looked };
  }

  // In this order, and no further than it must: the last ones start other programs.
  for (const home of new Set([process.env["CUDA_HOME"], process.env["CUDA_PATH"]])) {
    if (!home) continue;
    for (const folder of nvrtcFolders(home)) {
      const found = await inFolder(folder);
      if (found) return { found };
    }
  }
  for (const name of LIBRARY.names) {
    const found = await open(name);
    if (found) return { found };
  }
  for (const path of await fromLoader()) {
    const found = await open(path);
    if (found) return { found };
  }
  for (const folder of await toolkitFolders()) {
    const found = await inFolder(folder);
    if (found) return { found };
  }
  const python = await fromPython();
  looked.push(...python.looked);
  for (const folder of python.folders) {
    const found = await inFolder(folder);
    if (found) return { found };
  }
  return { looked };
}

async function openGiven(
  given: string,
  open: (path: string) => Promise<FoundNvrtc | undefined>,
  inFolder: (folder: string) => Promise<FoundNvrtc | undefined>,
): Promise<FoundNvrtc | undefined> {
  const kind = await stat(given).catch(() => undefined);
  if (!kind?.isDirectory()) return open(given);
  for (const folder of nvrtcFolders(given)) {
    const found = await inFolder(folder);
    if (found) return found;
  }
  return undefined;
}

/** What was opened, or why it will not do. */
async function tryOpen(addon: Addon, path: string, newest: NewestMajor): Promise<FoundNvrtc | string> {
  try {
    const nvrtc = addon.nvrtcOpen(path);
    const version = addon.nvrtcVersion(nvrtc);
    const [major] = version;
    if (major < OLDEST)
      return `version ${version.join(".")} is too old: ${OLDEST}.0 is the oldest that will do`;
    if (newest !== undefined && major > newest)
      return `version ${version.join(".")} is too new for this machine's driver, which knows CUDA ${newest}`;
    return {
      addon,
      nvrtc,
      path: path.includes("/") ? path : await mappedPath(path),
      version,
      architectures: addon.nvrtcArchitectures(nvrtc),
    };
  } catch (error) {
    return messageOf(error);
  }
}

/** The files of a folder that may be NVRTC: the newest first. */
async function librariesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  const order = new Intl.Collator("en", { numeric: true });
  return names.filter((name) => LIBRARY.pattern.test(name)).sort((a, b) => order.compare(b, a));
}

/** Where the loader found a library that was opened by its bare name, where the system tells. */
async function mappedPath(name: string): Promise<string> {
  const maps = await readFile("/proc/self/maps", "utf8").catch(() => "");
  const paths = maps.split("\n").flatMap((line) => /\s(\/\S.*)$/.exec(line)?.[1] ?? []);
  return paths.find((path) => basename(path).startsWith(name)) ?? name;
}
