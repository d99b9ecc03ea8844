/** A process that makes a net ready and runs it once: `node ready-process.js NET PASS TARGET WEIGHTS`. It says when what was done. */
import type { DeviceName } from "../../runtime/devices/index.js";
import { compile } from "../../src/index.js";
import { internalsOf } from "../../src/net/internals.js";
import { standInValues, unfedInputs } from "../../src/net/stand-in-inputs.js";
import { forwardBackward, runnerOf } from "../forward-backward.js";
import { BENCHMARK_NETS, type BenchmarkNetName } from "../nets/benchmark-nets.js";
import type { ReadyTimes } from "./ready-times.js";

// The clock runs since the process began.
const loaded = performance.now();
const [name, pass, target, weights] = process.argv.slice(2);
const phase = pass === "forward" ? "TEST" : "TRAIN";
const net = await compile(BENCHMARK_NETS[name as BenchmarkNetName].text(), {
  phase,
  target: target as DeviceName,
  weights,
});
const compiled = performance.now();
const internals = internalsOf(net);
if (!internals) throw new Error("a compiled net has no internals");
const inputs = standInValues(internals.lowered, unfedInputs(internals.lowered));
if (pass === "forward") await net.forward(inputs);
else await forwardBackward(net, inputs);
const first = performance.now();
// The program itself would have to be made anew, were it one that was kept.
const { prepare, forward, backward } = runnerOf(net).built.table;
const kernels = new Set([...prepare, ...forward, ...backward].map(([kernel]) => kernel));
const times: ReadyTimes = { loaded, compiled, first, kernels: kernels.size };
process.stdout.write(`${JSON.stringify(times)}\n`);
await net.close();
