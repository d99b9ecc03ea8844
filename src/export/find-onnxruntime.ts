/** onnxruntime, where it is found: no dependency of ours, for only who verifies a file needs it. */

import { createRequire } from "node:module";
import { join } from "node:path";
import { userError } from "../../proto/errors/index.js";
import { quotedPath, unquoted } from "../../proto/words/names.js";
import { onPath } from "../../runtime/devices/host/host-compiler.js";
import type { OnnxRuntime, Surroundings } from "./onnx-runtime.js";
import { openPython } from "./python-runtime.js";

const HINT =
  "npm install onnxruntime-node, or pip install onnxruntime; CORTADO_PYTHON names a Python that has it";

/**
 * The npm package onnxruntime-node as the working directory sees it, else the Python that `CORTADO_PYTHON` names, else python3.
 *
 * @throws CortadoError where none of them has it
 */
export async function findOnnxRuntime({ cwd, env }: Surroundings): Promise<OnnxRuntime> {
  const inNode = nodePackage(cwd);
  if (inNode) return inNode;
  const named = env["CORTADO_PYTHON"]?.trim();
  const which = named ? `the Python that CORTADO_PYTHON names, ${quotedPath(named)},` : "python3";
  const neither = "there is no onnxruntime: the working directory has no package onnxruntime-node, and";
  const python = onPath(named || "python3", env["PATH"] ?? "");
  if (python === undefined)
    throw userError(`${neither} ${which} ${named ? "does not run" : "is not on the PATH"}`, HINT);
  const opened = await openPython(python, env);
  if ("trouble" in opened)
    throw userError(
      `${neither} ${which} has no onnxruntime and numpy that work (${unquoted(opened.trouble, 200)})`,
      HINT,
    );
  return opened;
}

/** What is used of onnxruntime-node. */
interface NodePackage {
  readonly env?: { readonly versions?: { readonly node?: string } };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => Tensor;
  readonly InferenceSession: {
    create(file: string, options: { readonly logSeverityLevel: number }): Promise<Session>;
  };
}

interface Tensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
}

/** Errors alone: of what a file leaves open it warns as well. */
const ERRORS = 3;

function nodePackage(cwd: string): OnnxRuntime | undefined {
  let found: NodePackage;
  try {
    found = createRequire(join(cwd, "from-here.cjs"))("onnxruntime-node") as NodePackage;
  } catch {
    // It is not there, or not for this machine: a Python may be.
    return undefined;
  }
  const { InferenceSession, Tensor } = found;
  return {
    name: `onnxruntime-node ${found.env?.versions?.node ?? ""}`.trimEnd(),
    async run(file, inputs) {
      const session = await InferenceSession.create(file, { logSeverityLevel: ERRORS });
      try {
        const { inputNames, outputNames } = session;
        const feeds: Record<string, Tensor> = Object.create(null);
        for (const [i, name] of inputNames.entries())
          feeds[name] = new Tensor("float32", inputs[i].data, inputs[i].shape);
        const made = await session.run(feeds);
        return outputNames.map((name) => ({
          shape: made[name].dims,
          data: Float32Array.from(made[name].data),
        }));
      } finally {
        await session.release();
      }
    },
  };
}
