/** ONNX files, checked by `onnx` and run by onnxruntime: Python packages, of which a clone may have none. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("run_onnx.py", import.meta.url));

let found: boolean | undefined;

/** Whether a Python with onnx and onnxruntime is on the path. Under CI it must be. */
export function hasOnnxRuntime(): boolean {
  found ??= spawnSync("python3", ["-c", "import numpy, onnx, onnxruntime"]).status === 0;
  if (!found && process.env["CI"])
    throw new Error("python3 has no onnx and onnxruntime: pip install onnx onnxruntime");
  return found;
}

export interface OnnxCase {
  readonly name: string;
  /** The file's content, or its path. */
  readonly bytes: Uint8Array | string;
  readonly inputs: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
  >;
}

export interface OnnxResult {
  readonly error?: string;
  readonly outputs: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

/** What onnxruntime computes of each file, by the case's name, or what is wrong with it. */
export function runOnnx(cases: readonly OnnxCase[]): ReadonlyMap<string, OnnxResult> {
  const folder = mkdtempSync(join(tmpdir(), "cortado-onnx-"));
  try {
    const listed = cases.map(({ name, bytes, inputs }, number) => {
      const model = typeof bytes === "string" ? bytes : join(folder, `${number}.onnx`);
      if (typeof bytes !== "string") writeFileSync(model, bytes);
      const given = Object.entries(inputs).map(([blob, { shape, data }], at) => {
        const file = `${number}.${at}.in`;
        writeFileSync(join(folder, file), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        return [blob, [shape, file]];
      });
      return { name, model, inputs: Object.fromEntries(given) };
    });
    writeFileSync(join(folder, "cases.json"), JSON.stringify(listed));
    const { status, stdout, stderr } = spawnSync("python3", [SCRIPT, folder], {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(`run_onnx.py: ${stderr}`);
    const results = JSON.parse(stdout) as readonly {
      readonly name: string;
      readonly error?: string;
      readonly outputs: Readonly<Record<string, readonly [readonly number[], string]>>;
    }[];
    const read = (file: string): Float32Array => {
      const bytes = readFileSync(join(folder, file));
      return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    };
    return new Map(
      results.map(({ name, error, outputs }) => [
        name,
        {
          error,
          outputs: new Map(
            Object.entries(outputs).map(([blob, [shape, file]]) => [blob, { shape, data: read(file) }]),
          ),
        },
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
