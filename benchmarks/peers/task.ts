/** What the tool and its peers, each a process of its own, say to one another: a task in a file, then lines of JSON. */
import type { NetDescription } from "./net-description.js";

export const PASSES = ["forward", "step"] as const;
/** `forward`: inference, phase TEST. `step`: forward and backward, phase TRAIN, without an update. */
export type Pass = (typeof PASSES)[number];

/** What a peer is to build, written to a file that its command line names. Paths are absolute. */
export interface Task {
  readonly threads: number;
  /** Which of a peer's ways to run: PyTorch's modes, Cortado's targets. */
  readonly mode: string;
  /** The nets that its passes run. */
  readonly nets: Readonly<Record<Pass, NetDescription>>;
  readonly prototxt: string;
  /** Safetensors, tensors named `<layer>/<index>`. */
  readonly weights: string;
  /** The net in phase TEST as an ONNX file, written by Cortado. */
  readonly exported: string;
  /** Raw float32 by input blob, row-major. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** One line to a peer. */
export type Request =
  /** Runs the pass until it is warm: at least twice, and for a second. */
  | { readonly do: "warm"; readonly pass: Pass }
  /** Runs the pass once untimed, where it is short, then timed until `milliseconds` have passed; at least once. */
  | { readonly do: "round"; readonly pass: Pass; readonly milliseconds: number }
  /** What the pass computes: the first output in TEST; in TRAIN the weighted loss, and the first parameter's gradient. */
  | { readonly do: "values"; readonly pass: Pass };

/** One line from a peer, for each request; the first, unasked, says that it is ready. */
export type Answer =
  | { readonly ready: true; readonly passes: readonly Pass[] }
  | { readonly samples: readonly number[] }
  | { readonly values: readonly number[] }
  | { readonly error: string };
