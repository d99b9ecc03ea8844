/** Runs the command line inside the test: what it wrote, and its exit code. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Io } from "../../../src/cli/io.js";
import { run } from "../../../src/cli/run.js";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions extends Partial<Pick<Io, "env" | "cwd" | "onSignal">> {
  /** Both outputs, or the one named. */
  readonly tty?: boolean | "stderr";
  /** stdout is a file. */
  readonly toFile?: boolean;
  readonly columns?: number;
  /** Sees what is written to stdout as it comes. */
  readonly onText?: (text: string) => void;
}

export async function cortado(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { tty = false, toFile, columns = 100, env = {}, cwd = process.cwd(), onSignal, onText } = options;
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") => ({
    isTTY: tty === true || tty === name,
    isFile: name === "stdout" && toFile,
    columns,
    write: (text: string): boolean => {
      written[name] += text;
      if (name === "stdout") onText?.(text);
      return true;
    },
  });
  const code = await run(argv, {
    stdout: output("stdout"),
    stderr: output("stderr"),
    env,
    cwd,
    onSignal,
  });
  return { code, ...written };
}

/** A folder with these files, gone when the test is over. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<{
  readonly folder: string;
  readonly path: (name: string) => string;
  readonly remove: () => Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "cortado-cli-"));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return {
    folder,
    path: (name) => join(folder, name),
    // A run that was ended at once may still be writing: try again a few times.
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  };
}

/** A net that trains in milliseconds and needs no data. */
export const TINY_NET = `
name: "tiny"
layer {
  name: "d" type: "DummyData" top: "data" top: "label"
  dummy_data_param {
    shape { dim: 8 dim: 4 } shape { dim: 8 }
    data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 }
  }
}
layer {
  name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } }
}
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
`;

export const TINY_SOLVER = `
net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 40 display: 20
test_iter: 2 test_interval: 20 snapshot_prefix: "" random_seed: 3
`;
