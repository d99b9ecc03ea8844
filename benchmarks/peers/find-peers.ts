/** Which frameworks this machine has, and how to get those that it lacks. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { version } from "../../src/version.js";
import { projectFile } from "../project-files.js";
import { PASSES, type Pass } from "./task.js";

const execute = promisify(execFile);

/** One competitor: a framework in one of its modes. */
export interface Competitor {
  /** In tables: `PyTorch eager`, `Cortado native`. */
  readonly title: string;
  readonly framework: string;
  readonly mode: string;
  readonly version: string;
  /** Without the path of its task, which comes last. */
  readonly command: readonly string[];
  readonly passes: readonly Pass[];
}

export interface Found {
  readonly competitors: readonly Competitor[];
  /** A line for each framework that is not here. */
  readonly missing: readonly string[];
}

/** Interpreters that are asked for modules. */
interface Pythons {
  readonly any: string;
  readonly caffe: string;
}

/** The interpreter that has the frameworks. */
export const peersPython = (): string => process.env["PEERS_PYTHON"] ?? "python3";

const pythons = (): Pythons => {
  const any = peersPython();
  return { any, caffe: process.env["CAFFE_PYTHON"] ?? any };
};

const TORCH_MODES = ["eager", "channels_last", "compile", "channels_last compile"] as const;

/** A version of each of the modules, all of which must be there; a module is imported where its name may be another's. */
async function pythonModules(
  python: string,
  modules: readonly string[],
): Promise<readonly string[] | undefined> {
  const program = [
    "import importlib, importlib.metadata, json, sys",
    "def version(name):",
    "    if name != 'caffe': return importlib.metadata.version(name)",
    "    caffe = importlib.import_module(name)",
    "    caffe.Net",
    "    return getattr(caffe, '__version__', '')",
    "print(json.dumps([version(name) for name in sys.argv[1:]]))",
  ].join("\n");
  try {
    const env = { ...process.env, GLOG_minloglevel: "2" };
    const { stdout } = await execute(python, ["-c", program, ...modules], { env });
    return JSON.parse(stdout) as string[];
  } catch {
    return undefined;
  }
}

/** A compiled module of this folder, run by this Node. */
const nodeCommand = (module: string): readonly string[] => [
  process.execPath,
  fileURLToPath(new URL(module, import.meta.url)),
];
const pythonCommand = (python: string, script: string): readonly string[] => [
  python,
  projectFile(join("benchmarks/peers", script)),
];

/** Cortado on each of the targets. */
const cortado = (targets: readonly string[]): readonly Competitor[] =>
  targets.map((mode) => ({
    title: `Cortado ${mode}`,
    framework: "Cortado",
    mode,
    version: version(),
    command: nodeCommand("./cortado-peer.js"),
    passes: PASSES,
  }));

/** Looks for every framework. @param targets Cortado's, in the order of the tables */
export async function findPeers(targets: readonly string[]): Promise<Found> {
  const python = pythons();
  const competitors: Competitor[] = [...cortado(targets)];
  const missing: string[] = [];
  const add = (
    framework: string,
    versions: readonly string[] | undefined,
    entry: Pick<Competitor, "command" | "passes"> & { readonly modes?: readonly string[] },
    help: string,
  ): void => {
    if (!versions) {
      missing.push(`${framework} is not here: ${help}`);
      return;
    }
    const { modes = [""], command, passes } = entry;
    for (const mode of modes)
      competitors.push({
        title: mode ? `${framework} ${mode}` : framework,
        framework,
        mode,
        version: versions[0],
        command,
        passes,
      });
  };
  add(
    "Caffe",
    await pythonModules(python.caffe, ["caffe", "numpy"]),
    { command: pythonCommand(python.caffe, "caffe_peer.py"), passes: PASSES },
    "build BVLC Caffe with pycaffe (or install your system's package of it), and set CAFFE_PYTHON to the interpreter that can import caffe",
  );
  add(
    "PyTorch",
    await pythonModules(python.any, ["torch", "numpy"]),
    { modes: TORCH_MODES, command: pythonCommand(python.any, "torch_peer.py"), passes: PASSES },
    "pip install torch numpy, and set PEERS_PYTHON to that interpreter",
  );
  add(
    "onnxruntime",
    await pythonModules(python.any, ["onnxruntime", "onnx", "numpy"]),
    { modes: ["", "exported"], command: pythonCommand(python.any, "onnx_peer.py"), passes: ["forward"] },
    "pip install onnxruntime onnx numpy, and set PEERS_PYTHON to that interpreter",
  );
  add(
    "onnxruntime-web",
    packageVersion("onnxruntime-web"),
    { command: nodeCommand("./ort-web-peer.js"), passes: ["forward"] },
    "npm install --no-save onnxruntime-web; the model is written with onnx, as onnxruntime's",
  );
  const tfjs = packageVersion("@tensorflow/tfjs");
  const command = nodeCommand("./tfjs-peer.js");
  add("tfjs", tfjs, { modes: ["cpu"], command, passes: PASSES }, "npm install --no-save @tensorflow/tfjs");
  add(
    "tfjs",
    tfjs && packageVersion("@tensorflow/tfjs-backend-wasm"),
    // It has no gradient of a convolution's filter.
    { modes: ["wasm"], command, passes: ["forward"] },
    "npm install --no-save @tensorflow/tfjs @tensorflow/tfjs-backend-wasm",
  );
  return { competitors, missing };
}

/** Of a package that this project can import; in a list, as of modules. */
function packageVersion(name: string): readonly string[] | undefined {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const path = join(folder, name, "package.json");
    if (existsSync(path)) return [(JSON.parse(readFileSync(path, "utf8")) as { version: string }).version];
  }
  return undefined;
}
