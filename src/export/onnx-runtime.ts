/** Values of an input or an output of a model. */
export interface OnnxValues {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Something that runs ONNX files. */
export interface OnnxRuntime {
  /** With its version. */
  readonly name: string;
  /** Runs a file once. What is given and what comes stands in the file's order. @throws Error in the runtime's words */
  run(file: string, inputs: readonly OnnxValues[]): Promise<readonly OnnxValues[]>;
}

/** Where a command was started. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}
