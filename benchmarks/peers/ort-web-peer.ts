/**
 * onnxruntime-web as a peer: onnxruntime compiled to WebAssembly. The model is written by the same script as onnxruntime's own.
 * It is no dependency of the project, so the little of its interface that is used here is written down.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFile } from "../project-files.js";
import { peersPython } from "./find-peers.js";
import { readInput, serve } from "./serve.js";

interface Tensor {
  readonly data: Float32Array;
}

interface Session {
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
}

interface OrtWeb {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => Tensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: { readonly executionProviders: readonly string[] }): Promise<Session>;
  };
}

/** The net of the task as an ONNX model. */
function modelOf(task: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "cortado-onnx-"));
  try {
    const path = join(folder, "net.onnx");
    execFileSync(peersPython(), [projectFile("benchmarks/peers/onnx_model.py"), task, path]);
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await serve(async ({ nets, threads, inputs }) => {
  const module: string = "onnxruntime-web";
  const ort = (await import(module)) as OrtWeb;
  ort.env.wasm.numThreads = threads;
  const session = await ort.InferenceSession.create(modelOf(process.argv[2]), {
    executionProviders: ["wasm"],
  });
  const feeds = Object.fromEntries(
    await Promise.all(
      Object.entries(nets.forward.inputs).map(
        async ([name, shape]) =>
          [name, new ort.Tensor("float32", await readInput(inputs[name]), shape)] as const,
      ),
    ),
  );
  const forward = async (): Promise<Float32Array> => (await session.run(feeds))[session.outputNames[0]].data;
  return {
    passes: ["forward"],
    run: async () => void (await forward()),
    values: async () => [...(await forward())],
  };
});
