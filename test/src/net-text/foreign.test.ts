/** What people give by mistake for a net or a solver: one sentence that says what it is. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { CortadoError, type Diagnostic } from "../../../proto/errors/index.js";
import type { ModelProto } from "../../../proto/generated/onnx.js";
import { createMessage, encodeMessage, encodePlain, type Plain } from "../../../proto/index.js";
import { checkFile } from "../../../src/check/check-file.js";
import { createSolver } from "../../../src/create-solver.js";
import { exportOnnx } from "../../../src/export-onnx.js";
import { compile } from "../../../src/net/compile.js";
import { parseNet, parseSolver } from "../../../src/net-text/index.js";
import { scratchFolder } from "../../support/scratch.js";

const NET = `name: "n"\nlayer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 } } }\n`;
const SOLVER = `net: "none.prototxt"\nbase_lr: 0.1 lr_policy: "fixed" type: "SGD" max_iter: 1\n`;
const bytes = (...parts: readonly (string | number)[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.alloc(part))),
  );

const OPERATORS = [{ domain: "ai.onnx.ml", version: 3 }, { version: 18 }];
/** An ONNX file, its largest field before what tells most. */
const model = (facts: Plain<ModelProto>, name = "main"): Uint8Array =>
  encodePlain("ModelProto", {
    ir_version: 8,
    ...facts,
    graph: {
      name,
      node: [{ op_type: "Relu", input: ["x"], output: ["y"] }, { op_type: "Exp" }],
      initializer: [{ name: "w", data_type: "FLOAT", dims: [1000], raw_data: new Uint8Array(4000) }],
    },
  });

/** Neither a net nor a solver, and what it is. */
const OTHERS: readonly (readonly [words: string, content: string | Uint8Array])[] = [
  [
    "a web page (a failed download?)",
    `\n\n<!DOCTYPE html>\n<html lang="en">\n<div id="L1">line: 1</div></html>`,
  ],
  ["a web page (a failed download?)", `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`],
  ["a web page (a failed download?)", `# saved\n<div class="a">layer { }</div>`],
  ["an error message of a web server (a failed download?)", "404: Not Found"],
  [
    "a pointer to a file that git-lfs has not fetched",
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
  ],
  ["JSON", `{\n  "name": "n",\n  "layer": [{ "name": "x" }]\n}`],
  [
    "a program in Python",
    `#!/usr/bin/env python\nimport caffe\nfrom caffe import layers as L\nn = caffe.NetSpec()\n`,
  ],
  [
    "a program in JavaScript",
    `#!/usr/bin/env node\nimport { holdSignals } from "./process-io.js";\nconst net = 1;\n`,
  ],
  ["a program in JavaScript", `// trains\nconst caffe = require("caffe");\n`],
  ["a document in RTF", `{\\rtf1\\ansi layer \\{ name: "x" \\}}`],
  ["a patch", `diff --git a/n.prototxt b/n.prototxt\n--- a/n.prototxt\n`],
  ["a log of Caffe's", `I1129 19:57:36.378139   712 caffe.cpp:204] Using GPUs 0\n`],
  ["text without any field", "the net is in the other folder\n"],
  ["compressed with gzip", gzipSync(NET)],
  ["compressed with xz", bytes("\xfd7zXZ", 3, "abc")],
  ["compressed with bzip2", bytes("BZh91AY&SY\x01\x02")],
  ["a zip archive (of PyTorch or NumPy?)", bytes("PK\x03\x04", 20, "archive/data.pkl")],
  ["a tar archive", bytes("net.prototxt", 245, "ustar", 40)],
  ["an image (PNG)", bytes("\x89PNG\r\n\x1a\n", 8)],
  ["an image (JPEG)", bytes("\xff\xd8\xff\xe0\x00\x10JFIF", 8)],
  ["a file of Python's (pickle)", bytes("\x80\x04\x95\x10", 7, "}q\x00.")],
  ["the beginning of a model of ONNX", bytes("\x08\x04\x12\x07pytorch\x1a\x031.1:\x10", 4)],
  [
    "a model of ONNX (written by pytorch 2.9, opset 18, 2 nodes)",
    model({ ...{ producer_name: "pytorch", producer_version: "2.9" }, opset_import: OPERATORS }),
  ],
  [
    'a model of ONNX (the export of net "main\\u202e" by cortado 0.1.0, opset 18, 2 nodes)',
    model({ producer_name: "cortado", producer_version: "0.1.0", opset_import: OPERATORS }, "main\u202e"),
  ],
  // Nobody must say who wrote it; the set of another domain has a version of its own.
  ["a model of ONNX (opset 18, 2 nodes)", model({ opset_import: OPERATORS })],
  ["a document of Word, or another of Microsoft's", bytes("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8)],
  ["a PDF document", bytes("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")],
  ["text in UTF-16", Buffer.from(`\ufeff${NET}`, "utf16le")],
  ["text in UTF-16", Buffer.from(NET, "utf16le")],
];

/** Files that Cortado knows, but not as a net or a solver. */
const blob = createMessage("BlobProto", {
  shape: createMessage("BlobShape", { dim: [2] }),
  data: Float32Array.of(1, 2),
});
const KNOWN: readonly (readonly [words: string, content: Uint8Array])[] = [
  [
    "a weight file (.caffemodel)",
    encodeMessage("NetParameter", {
      name: "n",
      layer: [createMessage("LayerParameter", { name: "ip", type: "InnerProduct", blobs: [blob] })],
    }),
  ],
  ["a solver state", encodeMessage("SolverState", { iter: 3, learned_net: "a.caffemodel", history: [blob] })],
  [
    "a mean image, or another single blob (BlobProto)",
    encodeMessage("BlobProto", { data: Float32Array.of(1, 2), num: 1 }),
  ],
  ["an HDF5 file", bytes("\x89HDF\r\n\x1a\n", 8)],
  ["a weight file (safetensors)", bytes("\x02", 7, "{}")],
];

const scratch = scratchFolder();

async function mistakesOf(run: () => unknown): Promise<readonly Diagnostic[]> {
  try {
    await run();
  } catch (error) {
    if (error instanceof CortadoError) return error.diagnostics;
    throw error;
  }
  return [];
}

describe("one sentence says what a file is", () => {
  it.each([...OTHERS, ...KNOWN])("%s", async (words, content) => {
    const path = scratch.file("given.prototxt", content);
    for (const [wanted, run] of [
      ["a net", () => compile(path, { target: "ts" })],
      ["a solver", () => createSolver(path)],
    ] as const) {
      const found = await mistakesOf(run);
      expect(found.map(({ message }) => message)).toEqual([
        `"${path}" is ${words}, not ${wanted} (a prototxt)`,
      ]);
    }
    // Where a solver names it, the place is there.
    const [named, ...others] = await mistakesOf(() =>
      createSolver(`net: "${path}"\nbase_lr: 1 lr_policy: "fixed" max_iter: 1`),
    );
    expect([named.message, others.length]).toEqual([`"${path}" is ${words}, not a net (a prototxt)`, 0]);
    expect(named.span?.start).toBe(5);
  });

  it.each(OTHERS)("to check as well: %s", async (words, content) => {
    const path = scratch.file("given.caffemodel", content);
    const { diagnostics } = await checkFile(path, {});
    const shown =
      words === "text without any field"
        ? "has no field of a net or of a solver"
        : `is ${words}, and no net, solver or weights`;
    expect(diagnostics.map(({ message }) => message)).toEqual([`"${path}" ${shown}`]);
  });

  it("of what cortado export wrote, with what to give instead", async () => {
    const written = await exportOnnx(
      `${NET.replace('"n"', '"relu"')}layer { name: "r" type: "ReLU" bottom: "x" top: "y" }`,
    );
    const path = scratch.file("given.onnx", written);
    const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
    const words = `"${path}" is a model of ONNX (the export of net "relu" by cortado ${version}, opset 17, 1 node)`;
    const hint = "Cortado writes ONNX and does not read it: give the prototxt, and weights as Caffe has them";
    const weights = await mistakesOf(() => compile(NET, { target: "ts", weights: path }));
    const net = await mistakesOf(() => compile(path, { target: "ts" }));
    const { diagnostics: checked } = await checkFile(path, {});
    expect([...weights, ...net, ...checked].map((found) => [found.message, found.hint])).toEqual([
      [`${words}, not a weight file`, hint],
      [`${words}, not a net (a prototxt)`, hint],
      [`${words}, and no net, solver or weights`, hint],
    ]);
    // Half of it is known by how it begins.
    const half = scratch.file("half.onnx", written.subarray(0, written.length / 2));
    const { diagnostics } = await checkFile(half, {});
    expect(diagnostics[0].message).toContain("is the beginning of a model of ONNX");
  });

  it("of texts that are given as such", async () => {
    for (const [words, content] of OTHERS) {
      if (typeof content !== "string") continue;
      const found = await mistakesOf(() => parseNet(content));
      expect(found.map(({ message }) => message)).toEqual([`the text is ${words}, not a net (a prototxt)`]);
    }
  });

  it("of a net for a solver, and a solver for a net", async () => {
    const [net] = await mistakesOf(() => parseNet(SOLVER, { name: "s.prototxt" }));
    expect([net.message, net.hint]).toEqual([
      '"s.prototxt" is the text of a solver, not a net (a prototxt)',
      'a solver names its net: give that, "none.prototxt", or give this one to train',
    ]);
    const [solver] = await mistakesOf(() => parseSolver(NET, { name: "n.prototxt" }));
    expect([solver.message, solver.hint]).toEqual([
      '"n.prototxt" is the text of a net, not a solver (a prototxt)',
      'a solver names a net and says how it is trained: base_lr, lr_policy, max_iter … and net: "n.prototxt"',
    ]);
  });

  it("not of texts with something of what is wanted, nor of odd ones", async () => {
    expect((await mistakesOf(() => parseNet(`base_lr: 1\n${NET}`))).map(({ message }) => message)).toEqual([
      'unknown field "base_lr"',
    ]);
    expect(
      (await mistakesOf(() => parseSolver(`layer { }\n${SOLVER}`))).map(({ message }) => message),
    ).toEqual(['unknown field "layer"']);
    expect(parseNet("").net.layer).toEqual([]);
    expect(parseNet("# a net of comments\n").net.layer).toEqual([]);
    expect(parseNet(`name: "<!DOCTYPE html>"`).net.name).toBe("<!DOCTYPE html>");
    const latin = scratch.file("latin.prototxt", Buffer.from(`# caf\xe9\n${NET}`, "latin1"));
    await (await compile(latin, { target: "ts" })).close();
    expect((await checkFile(latin, {})).diagnostics).toEqual([]);
  });
});
