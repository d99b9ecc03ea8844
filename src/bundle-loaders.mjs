/**
 * Puts together what nets that are built ahead of time are loaded by: for each target the loader and its device, with all that
 * they import, as one text without exports that leads with its imports of Node's modules.
 *
 *   node src/bundle-loaders.mjs       writes dist/loaders/TARGET.js of the compiled modules
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

/** Modules as TypeScript where they are asked for as JavaScript that was not made yet. */
const fromSources = {
  name: "from-sources",
  resolveId(source, importer) {
    if (importer === undefined || !/^\.{1,2}\//.test(source) || !source.endsWith(".js")) return null;
    const path = resolve(dirname(importer), source);
    return existsSync(path) ? null : path.replace(/\.js$/, ".ts");
  },
};

/**
 * One loader.
 *
 * @param folder where runtime/ lies
 * @param device the module of the device, in runtime/artefact/, and its function
 * @param node whether it may need modules of Node's
 */
export async function bundleLoader(folder, { device, open, node }) {
  const artefact = join(folder, "runtime", "artefact");
  const entry = "\0loader";
  const virtual = {
    name: "loader",
    resolveId: (id) => (id === entry ? id : null),
    load: (id) =>
      id === entry
        ? `export { loader } from ${JSON.stringify(join(artefact, "load.js"))};\nexport { ${open} } from ${JSON.stringify(join(artefact, `${device}.js`))};`
        : null,
  };
  const found = {
    name: "found",
    resolveId: (id) => (id.startsWith(artefact) && !existsSync(id) ? id.replace(/\.js$/, ".ts") : null),
  };
  const bundle = await rolldown({
    input: entry,
    platform: node ? "node" : "neutral",
    external: (id) => id.startsWith("node:"),
    plugins: [virtual, found, fromSources],
    experimental: { attachDebugInfo: "none" },
    onLog(level, log) {
      throw new Error(`${device} cannot be put together: ${level}: ${log.message}`);
    },
  });
  try {
    const { output } = await bundle.generate({ format: "esm", codeSplitting: false });
    const [chunk] = output;
    if (!node && chunk.imports.length > 0)
      throw new Error(`${device} imports ${chunk.imports.join(" and ")}, which is not there in a browser`);
    return withoutExports(chunk.code, ["loader", open]);
  } finally {
    await bundle.close();
  }
}

/** The exports at a text's end become its names. */
function withoutExports(code, names) {
  const [exported, list] = /\nexport \{ ([^}]*) \};\s*$/.exec(code) ?? [];
  if (exported === undefined) throw new Error("a loader without exports at its end");
  const renamed = list.split(", ").flatMap((one) => {
    const [local, name = local] = one.split(" as ");
    return local === name ? [] : [`const ${name} = ${local};`];
  });
  for (const name of names) if (!list.includes(name)) throw new Error(`a loader without ${name}`);
  return [code.slice(0, -exported.length), ...renamed].join("\n").trim();
}

/** Whoever reads it meanwhile finds it whole. */
function replaceFile(path, text) {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = fileURLToPath(new URL("../dist/", import.meta.url));
  const { LOADERS } = await import("../dist/src/artefact/loader-text.js");
  mkdirSync(join(dist, "loaders"), { recursive: true });
  for (const [target, loader] of Object.entries(LOADERS))
    replaceFile(join(dist, "loaders", `${target}.js`), await bundleLoader(dist, loader));
}
