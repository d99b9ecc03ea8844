// Builds the addon with the system's C++ compiler: native/prebuilt/<platform>-<arch>/cortado.node. Run by
// `npm run build:native`; with --if-possible a missing compiler is one line and no failure.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { arch, argv, env, exit, platform, stderr, stdout } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(HERE, "src");
const FLAGS = ["-O2", "-std=c++17", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra"];
const DEFINES = [
  "-DNAPI_VERSION=8",
  "-DNAPI_CPP_EXCEPTIONS",
  // A thread that is being terminated cannot be thrown into; without this that would end the process.
  "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
];

/** Where the addon is put. */
export const ADDON = join(HERE, "prebuilt", `${platform}-${arch}`, "cortado.node");

/** The C++ compiler: $CORTADO_CXX, else $CXX, else the first of g++, c++ and clang++ that runs; undefined where there is none. */
export function findCompiler() {
  const given = env.CORTADO_CXX || env.CXX;
  const names = given ? [given] : ["g++", "c++", "clang++"];
  return names
    .map((name) => name.split(" ").filter((part) => part !== ""))
    .find(([command, ...flags]) => spawnSync(command, [...flags, "--version"]).status === 0);
}

/**
 * Builds the addon unless it is newer than all that goes into it. `built`: whether it is there now; `line` says what
 * was done, or what is missing. `flags` are more flags for the compiler and the linker, which always build anew, to
 * `output`.
 */
export async function buildAddon({ output = ADDON, flags = [] } = {}) {
  if (platform === "win32") return { built: false, line: "Cortado's native addon is for Linux and macOS" };
  const includes = findHeaders();
  if (includes === undefined)
    return { built: false, line: 'node-addon-api or node-api-headers is missing: run "npm install"' };
  const units = readdirSync(SOURCES).filter((name) => name.endsWith(".cc"));
  if (flags.length === 0 && isFresh(output)) return { built: true, line: `${output} is up to date` };
  const compiler = findCompiler();
  if (compiler === undefined)
    return {
      built: false,
      line: "no C++ compiler: install g++ or clang++ (C++17), or name one in CORTADO_CXX",
    };
  mkdirSync(dirname(output), { recursive: true });
  // Beside the output, so that the last step is a rename within one file system.
  const folder = mkdtempSync(join(dirname(output), ".build-"));
  try {
    const [command, ...given] = compiler;
    const options = [
      ...given,
      ...FLAGS,
      ...DEFINES,
      ...includes.flatMap((path) => ["-isystem", path]),
      ...flags,
    ];
    const compiled = await inParallel(units, (unit) =>
      run(command, [...options, "-c", join(SOURCES, unit), "-o", join(folder, `${unit}.o`)]),
    );
    const linked = join(folder, "cortado.node");
    const failed =
      compiled.find((text) => text !== undefined) ??
      (await run(command, linkFlags(given, units, folder, linked, flags)));
    if (failed !== undefined) return { built: false, line: failed };
    renameSync(linked, output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { built: true, line: `built ${output} with ${compiler.join(" ")}` };
}

function linkFlags(given, units, folder, linked, flags) {
  const shared =
    platform === "darwin"
      ? ["-bundle", "-undefined", "dynamic_lookup"]
      : // The C++ library goes in, so that one file serves every distribution, but for what nothing calls: that
        // would want a newer C library. A sanitizer brings its own.
        [
          "-shared",
          "-Wl,--gc-sections",
          ...(flags.length === 0 ? ["-static-libstdc++", "-Wl,--exclude-libs,ALL", "-s"] : []),
          "-ldl",
          "-pthread",
        ];
  return [...given, "-o", linked, ...units.map((unit) => join(folder, `${unit}.o`)), ...shared, ...flags];
}

/** The folders of napi.h and node_api.h. */
function findHeaders() {
  const require = createRequire(import.meta.url);
  try {
    const folder = (name) => dirname(require.resolve(`${name}/package.json`));
    return [folder("node-addon-api"), join(folder("node-api-headers"), "include")];
  } catch {
    return undefined;
  }
}

function isFresh(output) {
  if (!existsSync(output)) return false;
  const inputs = [fileURLToPath(import.meta.url), ...readdirSync(SOURCES).map((name) => join(SOURCES, name))];
  const made = statSync(output).mtimeMs;
  return inputs.every((path) => statSync(path).mtimeMs < made);
}

/** Undefined when the command succeeded, else what it said; its warnings are shown. */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    child.on("error", (error) => resolve(`${command}: ${error.message}`));
    child.on("close", (code) => {
      if (code === 0) stderr.write(said);
      resolve(code === 0 ? undefined : `${command} failed:\n${said}`);
    });
  });
}

async function inParallel(items, work) {
  const results = [];
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) results.push(await work(item));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  const { built, line } = await buildAddon();
  (built ? stdout : stderr).write(`${line}\n`);
  if (!built && !argv.includes("--if-possible")) exit(1);
}
