/** Small faults over all folders. Types hold in all of them: what the compiler would see is none. */
import { DATA_FAULTS } from "./data-faults.js";
import type { Fault } from "./fault.js";
import { GRAPH_FAULTS } from "./graph-faults.js";
import { KERNEL_FAULTS } from "./kernel-faults.js";
import { NET_FAULTS } from "./net-faults.js";
import { ONNX_FAULTS } from "./onnx-faults.js";
import { RUNTIME_FAULTS } from "./runtime-faults.js";

export const FAULTS: readonly Fault[] = [
  ...GRAPH_FAULTS,
  ...ONNX_FAULTS,
  ...KERNEL_FAULTS,
  ...RUNTIME_FAULTS,
  ...DATA_FAULTS,
  ...NET_FAULTS,
];
