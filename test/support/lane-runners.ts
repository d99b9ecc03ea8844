import type { EmulatedGraph } from "./emulate.js";
import { addonForTests } from "./native.js";
import { runNativeGraphs } from "./native-graphs.js";
import { runWasmGraphs } from "./wasm-graphs.js";

/** What runs graphs in lanes and compares them with the interpreter. */
export interface LaneRunner {
  readonly name: string;
  /** Whether it can here. */
  readonly here: boolean;
  /** Of the graphs that a test has so many: what renders the same lanes needs fewer. */
  readonly share: number;
  /** Texts for people: what differs. */
  run(cases: readonly EmulatedGraph[], folder: string): Promise<readonly string[]>;
}

const VECTORS = [
  { dtype: "float32", architecture: "avx2" },
  { dtype: "float64", architecture: "avx2" },
  { dtype: "float32", architecture: "sse" },
  { dtype: "float32", architecture: "avx512" },
] as const;

const native = await addonForTests();

export const LANE_RUNNERS: readonly LaneRunner[] = [
  {
    name: "native",
    here: native !== undefined,
    share: 1,
    // All from one module, each in vectors of one kind.
    run: (cases, folder) =>
      runNativeGraphs(
        native!.addon,
        folder,
        cases.map((one, i) => ({ ...one, ...VECTORS[i % VECTORS.length] })),
      ),
  },
  { name: "wasm", here: true, share: 0.5, run: (cases) => runWasmGraphs(cases) },
];
