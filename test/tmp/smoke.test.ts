import { it } from "vitest";
import { readFileSync } from "node:fs";
import { parseNet, selectLayers, wireNet } from "../../src/prototxt/index.js";
import { lowerNet, inputName } from "../../src/layers/index.js";
import { createDiagnostics, formatDiagnostics } from "../../src/errors/index.js";
import { objectiveGraph } from "../../src/net/objective.js";
import { build } from "../../src/net/build.js";
import { createRunner } from "../../src/net/runner.js";
import { allocateReal } from "../../runtime/memory.js";
import { sizeOf } from "../../src/ir/graph.js";
it("lenet", async () => {
  const body = readFileSync("examples/lenet/train_test.prototxt","utf8");
  const text = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 64 dim: 1 dim: 28 dim: 28 } } }\nlayer { name: "label" type: "Input" top: "label" input_param { shape { dim: 64 } } }\n' + body.slice(body.indexOf('layer {\n  name: "conv1"'));
  const def = selectLayers(parseNet(text), { phase: "TRAIN" });
  const d = createDiagnostics();
  const w = wireNet(def, d);
  const t0 = performance.now();
  const lowered = lowerNet(def, w, { phase: "TRAIN", feedShapes: new Map(), diagnostics: d });
  if (!lowered) { console.log(formatDiagnostics(d.all)); return; }
  const store = { dtype: "float32" as const, arrays: lowered.params.map((p) => { const a = allocateReal("float32", sizeOf(p.shape)); for (let i=0;i<a.length;i++) a[i]=Math.sin(i*1.3)*0.05; return a; }) };
  const graph = objectiveGraph(lowered, { backward: true, seeds: [], keep: [] });
  const b = await build(graph, lowered.builder, { params: store, seed: 1, threads: Number(process.env.T ?? 1), filename: "x" });
  console.log("compile", performance.now() - t0);

  const r = createRunner(b, "float32");
  const x = r.input(inputName("data"))!; for (let i=0;i<x.length;i++) x[i]=Math.sin(i*0.37);
  const l = r.input(inputName("label"))!; for (let i=0;i<l.length;i++) l[i]=i%10;
  for (let i=0;i<6;i++) { const t=performance.now(); await r.forward(); const t1=performance.now(); await r.backward(); console.log("fwd", t1-t, "bwd", performance.now()-t1, r.root("value","loss")![0]); }
  for (const pass of ["forward","backward"] as const) b.program[pass].forEach((launch,i)=>{ const k=b.program.kernels[launch.kernel]; const ms=b.executor.times(pass)[i]; console.log(pass, ms.toFixed(2), (k.flops/ms/1e6).toFixed(2)+" GF/s", k.note); });
});
