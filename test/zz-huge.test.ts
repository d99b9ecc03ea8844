import { it } from "vitest";
import { compile } from "../src/compile.js";
import { CortadoError } from "../src/errors/index.js";
const input = (...dims: number[]) => `layer { name: "in" type: "Input" top: "data" input_param { shape { ${dims.map(d=>`dim: ${d}`).join(" ")} } } }\n`;
const layer = (type: string, body = "", top="out", bottom="data") => `layer { name: "${type}" type: "${type}" bottom: "${bottom}" top: "${top}" ${body} }\n`;
const cases: Record<string,string> = {
  "dim 2^31-1": input(2147483647)+layer("ReLU"),
  "dim 2^31-1 x4": input(2147483647,2147483647,2147483647,2147483647)+layer("ReLU"),
  "dim 2^31": input(2147483648)+layer("ReLU"),
  "int64 max": input(9223372036854775807)+layer("ReLU"),
  "1e12 elements in 1000 blobs": input(1000000000)+Array.from({length:1000},(_,i)=>layer("ReLU","",`b${i}`, i?`b${i-1}`:"data")).join(""),
  "1e12 elements kept": input(1000000000)+Array.from({length:1000},(_,i)=>layer("ReLU","",`b${i}`)).join(""),
  "kernel 4294967295": input(1,1,8,8)+layer("Convolution","convolution_param { num_output: 1 kernel_size: 4294967295 }"),
  "kernel+pad 4294967295": input(1,1,8,8)+layer("Convolution","convolution_param { num_output: 1 kernel_size: 4294967295 pad: 4294967295 }"),
  "pad 4294967295": input(1,1,8,8)+layer("Convolution","convolution_param { num_output: 1 kernel_size: 3 pad: 4294967295 }"),
  "stride 4294967295": input(1,1,8,8)+layer("Convolution","convolution_param { num_output: 1 kernel_size: 3 stride: 4294967295 }"),
  "dilation 4294967295": input(1,1,8,8)+layer("Convolution","convolution_param { num_output: 1 kernel_size: 3 dilation: 4294967295 }"),
  "num_output 4294967295": input(1,1,8,8)+layer("Convolution","convolution_param { num_output: 4294967295 kernel_size: 3 }"),
  "num_output 2e9 ip": input(1,1)+layer("InnerProduct","inner_product_param { num_output: 2000000000 }"),
  "num_output 1e8 ip": input(1,1)+layer("InnerProduct","inner_product_param { num_output: 100000000 }"),
  "deconv stride": input(1,1,8,8)+layer("Deconvolution","convolution_param { num_output: 1 kernel_size: 3 stride: 4294967295 }"),
  "deconv stride big": input(1,1,2,2)+layer("Deconvolution","convolution_param { num_output: 1 kernel_size: 3 stride: 40000 }"),
  "pool kernel": input(1,1,8,8)+layer("Pooling","pooling_param { kernel_size: 4294967295 }"),
  "pool kernel pad": input(1,1,8,8)+layer("Pooling","pooling_param { pool: AVE kernel_size: 4294967295 pad: 4294967294 }"),
  "pool kernel stride": input(1,1,8,8)+layer("Pooling","pooling_param { kernel_size: 3 stride: 4294967295 }"),
  "lrn": input(1,8,8,8)+layer("LRN","lrn_param { local_size: 4294967295 }"),
  "lrn w": input(1,8,8,8)+layer("LRN","lrn_param { local_size: 4294967295 norm_region: WITHIN_CHANNEL }"),
  "group": input(1,4294967295,1,1)+layer("Convolution","convolution_param { num_output: 1 kernel_size: 1 group: 4294967295}"),
  "axis": input(1,1,8,8)+layer("Softmax","softmax_param { axis: 2147483647 }"),
  "argmax": input(1,2000000000)+layer("ArgMax","argmax_param { top_k: 1900000000 }"),
  "argmax small": input(1,100000)+layer("ArgMax","argmax_param { top_k: 100000 }"),
  "many axes": input(...new Array(100000).fill(1))+layer("ReLU"),
  "33 axes sum": input(...new Array(300).fill(1))+layer("Reduction"),
  "kernel_size given 1000 times": input(...new Array(1002).fill(1))+layer("Convolution",`convolution_param { num_output: 1 ${"kernel_size: 1 ".repeat(1000)} }`),
  "slice many": input(1,20000)+`layer { name: "s" type: "Slice" bottom: "data" ${Array.from({length:20000},(_,i)=>`top: "t${i}"`).join(" ")} }`,
  "concat many": input(1,1)+`layer { name: "s" type: "Concat" top: "out" ${'bottom: "data" '.repeat(20000)} }`,
  "eltwise many": input(1,1)+`layer { name: "s" type: "Eltwise" top: "out" ${'bottom: "data" '.repeat(20000)} }`,
  "eltwise prod many": input(1,1)+`layer { name: "s" type: "Eltwise" eltwise_param { operation: PROD } top: "out" ${'bottom: "data" '.repeat(5000)} }`,
  "reshape": input(1,1)+layer("Reshape",`reshape_param { shape { ${"dim: 1 ".repeat(100000)} } }`),
  "flat big": input(46341,46341)+layer("Flatten"),
  "1e5 layers": input(1)+Array.from({length:100000},(_,i)=>layer("Sigmoid","",`b${i}`, i?`b${i-1}`:"data")).join(""),
  "1e5 layers inplace": input(1)+Array.from({length:100000},()=>layer("ReLU","",`data`)).join(""),
  "doubling": input(1)+Array.from({length:60},(_,i)=>`layer { name: "e${i}" type: "Eltwise" bottom: "${i?`b${i-1}`:"data"}" bottom: "${i?`b${i-1}`:"data"}" top: "b${i}" }`).join("\n"),
  "concat doubling": input(1,1)+Array.from({length:60},(_,i)=>`layer { name: "e${i}" type: "Concat" bottom: "${i?`b${i-1}`:"data"}" bottom: "${i?`b${i-1}`:"data"}" top: "b${i}" }`).join("\n"),
  "concat doubling 28": input(1,1)+Array.from({length:28},(_,i)=>`layer { name: "e${i}" type: "Concat" bottom: "${i?`b${i-1}`:"data"}" bottom: "${i?`b${i-1}`:"data"}" top: "b${i}" }`).join("\n"),
  "swish chain prod": input(1)+Array.from({length:300},(_,i)=>`layer { name: "e${i}" type: "Eltwise" eltwise_param { operation: PROD } bottom: "${i?`b${i-1}`:"data"}" bottom: "${i?`b${i-1}`:"data"}" top: "b${i}" }`).join("\n"),
  "deep nesting": "layer { ".repeat(100000),
  "deep nesting known": "layer { ".repeat(3),
  "split many": input(1)+`layer { name: "s" type: "Split" bottom: "data" ${Array.from({length:50000},(_,i)=>`top: "t${i}"`).join(" ")} }`,
  "dummy": `layer { name: "d" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2000000000 } } }`,
};
const only = process.env.ONLY; const all = Object.keys(cases); for (const k of all.slice(0, all.indexOf(process.env.FROM ?? all[0]!))) delete cases[k];
for (const [name, text] of Object.entries(cases)) if (!only || name.includes(only)) it(name, async () => {
  for (const phase of ["TEST","TRAIN"] as const) {
  const t = performance.now(); let outcome="ok";
  try { const net = await compile(phase==="TRAIN"? "force_backward: true\n"+text : text, { phase }); outcome += " arena "+net.plan.arenaBytes; if (phase==="TRAIN" && net.plan.arenaBytes<1e8) { await net.forward({data: new Float32Array(net.blobs["data"]!.shape.reduce((a,b)=>a*b,1))}); } await net.close(); }
  catch (e) { outcome = (e instanceof CortadoError ? "refused: " : "CRASH "+(e as Error).stack!.slice(0,600))+" "+(e as Error).message.slice(0,160); }
  console.log(name, phase, (performance.now()-t).toFixed(0)+" ms", (process.memoryUsage().rss/1e6).toFixed(0)+"MB", outcome.replace(/\n/g," | "));
  }
}, 100000);
