/**
 * Test files that take minutes, longest first. They begin first, for one of them begun last would keep a single core
 * busy at the end; `npm run test:quick` leaves them out.
 */
export const SLOW_FILES: readonly string[] = [
  "test/oracle/traces.test.ts",
  "test/codegen/targets/cuda/nvrtc.test.ts",
  "test/runtime/devices/emulator/oracle-traces.test.ts",
  "test/bad-input.test.ts",
  "test/gradients.test.ts",
  "test/runtime/devices/emulator/layers.test.ts",
  "test/oracle/nets.test.ts",
  "test/runtime/devices/emulator/oracle-nets.test.ts",
  "test/src/artefact/cuda.test.ts",
  "test/runtime/devices/emulator/fusion.test.ts",
];
