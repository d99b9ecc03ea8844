import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LITTLE_ENDIAN, littleEndianBytes, turnNumbers } from "../../proto/words/text-bytes.js";
import { inTemporaryFolder } from "../../runtime/leftovers.js";
import type { OnnxRuntime, OnnxValues, Surroundings } from "./onnx-runtime.js";

/** Says its version; with a job beside it, runs that. Values pass through files: pipes would take them as text. */
const SCRIPT = `
import json, os, sys
import numpy, onnxruntime
if not os.path.exists("job.json"):
    print(onnxruntime.__version__)
    sys.exit()
with open("job.json", encoding="utf-8") as file:
    job = json.load(file)
settings = onnxruntime.SessionOptions()
settings.log_severity_level = 3
try:
    session = onnxruntime.InferenceSession(job["model"], settings, providers=["CPUExecutionProvider"])
    given = {}
    for place, (value, shape) in enumerate(zip(session.get_inputs(), job["shapes"])):
        given[value.name] = numpy.fromfile(f"{place}.in", dtype="<f4").reshape(shape)
    shapes = []
    for place, array in enumerate(session.run(None, given)):
        array.astype("<f4").tofile(f"{place}.out")
        shapes.append(list(array.shape))
    done = {"shapes": shapes}
except Exception as error:
    done = {"error": str(error)}
with open("done.json", "w", encoding="utf-8") as file:
    json.dump(done, file)
`;

/** What the script writes. */
interface Done {
  readonly error?: string;
  readonly shapes?: readonly (readonly number[])[];
}

/** The most that is kept of what a runtime says on its way. */
const MOST_WORDS = 2 ** 24;

/** onnxruntime in a Python, or why that has none. */
export async function openPython(
  python: string,
  env: Surroundings["env"],
): Promise<OnnxRuntime | { readonly trouble: string }> {
  // The folder that it runs in holds nothing that Python could take for a module.
  const start = (folder: string): Promise<{ readonly text: string; readonly trouble?: string }> =>
    new Promise((resolve) => {
      const settings = { cwd: folder, env: { ...env }, maxBuffer: MOST_WORDS };
      execFile(python, ["-c", SCRIPT], settings, (error, text, said) =>
        resolve({ text: text.trim(), ...(error && { trouble: lastLine(said) || error.message }) }),
      );
    });
  const { text, trouble } = await inTemporaryFolder("onnx", start);
  if (trouble !== undefined) return { trouble };
  return {
    name: `onnxruntime ${text} of Python`,
    run: (file, inputs) =>
      inTemporaryFolder("onnx", async (folder) => {
        for (const [place, { data }] of inputs.entries())
          await writeFile(join(folder, `${place}.in`), littleEndianBytes(data));
        const job = { model: file, shapes: inputs.map(({ shape }) => shape) };
        await writeFile(join(folder, "job.json"), JSON.stringify(job));
        const ran = await start(folder);
        if (ran.trouble !== undefined) throw new Error(ran.trouble);
        const done = JSON.parse(await readFile(join(folder, "done.json"), "utf8")) as Done;
        if (!done.shapes) throw new Error(done.error);
        return Promise.all(
          done.shapes.map(async (shape, place): Promise<OnnxValues> => {
            const bytes = await readFile(join(folder, `${place}.out`));
            return { shape, data: floatsOf(bytes) };
          }),
        );
      }),
  };
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";

/** Numbers of a file, whose bytes may lie anywhere. */
function floatsOf(bytes: Uint8Array): Float32Array {
  const own = LITTLE_ENDIAN ? new Uint8Array(bytes) : turnNumbers(bytes, 4);
  return new Float32Array(own.buffer, own.byteOffset, own.length / 4);
}
