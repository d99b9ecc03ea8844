/** The kernels and libraries that a build finds in a folder. */
import { createHash } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BUILT_MARK } from "../../../src/artefact/built-mark.js";
import { type BuiltFile, writeFolder } from "../../../src/artefact/folder.js";
import { newFolder, removeFolders } from "./support.js";

afterAll(removeFolders);

/** A build of these files, whose contents are their paths; `more` is named by the manifest as well. */
function buildOf(paths: readonly string[], more: readonly string[] = []): readonly BuiltFile[] {
  const file = (path: string, text: string): BuiltFile => ({ path, bytes: new TextEncoder().encode(text) });
  const files = [file("net.d.ts", `// ${BUILT_MARK}`), ...paths.map((path) => file(path, path))];
  const named = [...files, ...more.map((path) => file(path, path))].map(({ path, bytes }) => ({
    path,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  }));
  const manifest = { format: "cortado-net", version: 1, build: "1", files: named };
  return [...files, file("manifest.json", JSON.stringify(manifest, null, 2))];
}

const all = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort();

describe("a folder of an earlier build", () => {
  it("loses the kernels that the new one has not, and nothing else", async () => {
    const parent = await newFolder();
    const out = join(parent, "dist");
    await writeFile(join(parent, "mine"), "../mine");
    await writeFolder(
      out,
      buildOf(
        [
          "lib/cortado-linux-x64.node",
          "kernels/sm_80/0-conv_kernel.cubin",
          "kernels/sm_80/1-max_kernel.cubin",
          "kernels/sm_90/0-conv_kernel.cubin",
          "kernels/sm_90a/0-conv_kernel.cubin",
          "kernels/avx2/0.so",
        ],
        ["../mine", "notes.txt"],
      ),
    );
    await writeFile(join(out, "notes.txt"), "notes.txt");
    await writeFile(join(out, "kernels/sm_90a/0-conv_kernel.cubin"), "somebody's own");
    await writeFile(join(out, "kernels/sm_80/notes"), "");
    await writeFolder(out, buildOf(["kernels/sm_80/0-conv_kernel.cubin"]));
    expect(await all(out)).toEqual([
      "kernels/sm_80/0-conv_kernel.cubin",
      "kernels/sm_80/notes",
      "kernels/sm_90a/0-conv_kernel.cubin",
      "manifest.json",
      "net.d.ts",
      "notes.txt",
    ]);
    expect(await readdir(join(out, "kernels"))).toEqual(["sm_80", "sm_90a"]);
    expect(await readdir(parent)).toEqual(["dist", "mine"]);
  });

  it("is left alone where a folder's name is that of a file", async () => {
    const out = await newFolder();
    await mkdir(join(out, "lib"));
    await writeFile(join(out, "kernels"), "mine");
    await expect(writeFolder(out, buildOf(["kernels/sm_80/0-conv_kernel.cubin"]))).rejects.toThrow(
      /has files that no build wrote: kernels, lib/,
    );
    expect(await readdir(out)).toEqual(["kernels", "lib"]);
  });
});
