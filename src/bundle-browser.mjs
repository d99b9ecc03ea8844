/**
 * Puts together what a browser gets, of the sources: of a module that has a twin for browsers, NAME.browser.ts beside NAME.ts,
 * that one. The compiled modules must be there.
 *
 *   node src/bundle-browser.mjs [FOLDER]       default: dist/browser
 */
import { existsSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const TOP = fileURLToPath(new URL("../", import.meta.url));
const out = resolve(process.argv[2] ?? join(TOP, "dist", "browser"));

/** A module's own twin for browsers, where it has one. */
const browserTwins = {
  name: "browser-twins",
  resolveId(source, importer) {
    if (importer === undefined || !/^\.{1,2}\//.test(source) || !source.endsWith(".js")) return null;
    const stem = resolve(dirname(importer), source.slice(0, -".js".length));
    return [`${stem}.browser.ts`, `${stem}.ts`, `${stem}.js`].find((path) => existsSync(path)) ?? null;
  },
};

/** The text of a function that a worker is made of, as this bundle has it: who bundles it again may change functions, no text. */
const workerAsText = {
  name: "worker-as-text",
  async transform(_code, id) {
    if (id !== join(TOP, "runtime", "devices", "threads", "worker-text.ts")) return null;
    const { workerText } = await import("../dist/runtime/devices/threads/worker-text.js");
    return { code: `export const workerText = () => ${JSON.stringify(workerText())};`, map: null };
  },
};

/** What needs a file or a process has a twin that needs none: it is a mistake if any is left. */
function externalInBrowsers(id) {
  if (id.startsWith("node:")) throw new Error(`the modules for browsers import ${id}`);
  return !/^[./]/.test(id);
}

rmSync(out, { recursive: true, force: true });
const bundle = await rolldown({
  input: { index: join(TOP, "src", "index.browser.ts") },
  platform: "browser",
  external: externalInBrowsers,
  plugins: [browserTwins, workerAsText],
});
await bundle.write({ dir: out, format: "esm", sourcemap: true });
await bundle.close();
