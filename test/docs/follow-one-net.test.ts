/**
 * docs/FOLLOW-ONE-NET.md is what the compiler prints on the way from text to loop. This test writes the page anew
 * and compares: `npx vitest run test/docs -u` accepts a change.
 */

import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { printKernel } from "../../codegen/kernel/print-kernel.js";
import type { StageKind } from "../../codegen/pipeline.js";
import { tsTarget } from "../../codegen/targets/index.js";
import { transpile } from "../../codegen/targets/ts/ts-module.js";
import { createDiagnostics, formatPlace } from "../../proto/errors/index.js";
import { lowerNet } from "../../src/layers/index.js";
import { traceProgram } from "../../src/net/programs.js";
import { parseNet, selectLayers, spanOf, wireNet } from "../../src/net-text/index.js";

const NET = `force_backward: true
layer {
  name: "data" type: "Input" top: "data"
  input_param { shape { dim: 64 dim: 1 dim: 28 dim: 28 } }
}
layer {
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } }
}
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
`;

const fenced = (text: string, language = "text"): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

function page(): string {
  const definition = selectLayers(parseNet(NET, { name: "lenet_start.prototxt" }), { phase: "TRAIN" });
  const [, conv1, relu1] = definition.net.layer;
  const place = (message: object, field: string): string => {
    const span = spanOf(message, field);
    return span ? formatPlace(span) : "nowhere";
  };
  const diagnostics = createDiagnostics();
  const wiring = wireNet(definition, diagnostics);
  const lowered = lowerNet(definition, wiring, { phase: "TRAIN", feedShapes: new Map(), diagnostics });
  if (!lowered) throw new Error("the page's own net has a mistake");
  const traced = traceProgram(
    lowered,
    { backward: true, seeds: ["conv1"], keep: [] },
    { target: tsTarget, dtype: "float32", seed: 1701 },
  );
  const printed = (kind: StageKind): readonly (readonly [name: string, text: string])[] =>
    traced.stages.filter((stage) => stage.kind === kind).map((stage) => [stage.name, stage.print()]);
  const [[, graph], ...passes] = printed("graph");
  const steps = passes.map(([name, text], i) =>
    text === passes[i - 1]?.[1] ? `after “${name}”: nothing to do here` : `after “${name}”\n${text}`,
  );
  const { tile } = tsTarget.describe();
  const [[, source]] = printed("source");
  const { convolution_param: settings } = conv1;
  const version = (blobs: readonly { blob: string; version: number }[]): string =>
    blobs.map(({ blob, version: v }) => `${blob}.${v}`).join(", ");

  return `# Follow one net through

The first layers of LeNet, with the ReLU that Caffe's users put on conv1 in place, from text to loop. Every listing
on this page is what the compiler really prints (sections 4 to 8 as \`cortado explain --stage\` does); a test writes the
page anew and fails when it is no longer true.

## 1. The text

${fenced(NET)}

## 2. NetDef: typed, every field with its place

\`proto/text/\` gives plain frozen messages, with Caffe's defaults, and remembers where each field stands.

${fenced(
  [
    `conv1.type                             ${conv1.type}   ${place(conv1, "type")}`,
    `conv1.convolution_param.num_output     ${settings?.num_output}            ${place(settings ?? {}, "num_output")}`,
    `conv1.convolution_param.kernel_size    [${settings?.kernel_size}]           ${place(settings ?? {}, "kernel_size")}`,
    `conv1.convolution_param.bias_term      ${settings?.bias_term}          (a default)`,
    `relu1.type                             ${relu1.type}          ${place(relu1, "type")}`,
  ].join("\n"),
)}

## 3. Wiring: names become versions

relu1 reads and writes \`conv1\`. That is a name, not memory: each write is a new version.

${fenced(wiring.layers.map(({ layer, bottoms, tops }) => `${layer.name.padEnd(6)} (${version(bottoms)}) → (${version(tops)})`).join("\n"))}

## 4. Graph: SSA tensors, forward and backward in one

Each layer's record in \`src/layers/catalogue/\` says what it means in primitives; \`codegen/autodiff/\` adds the backward
pass, here from a diff that the caller puts on \`conv1\`. The derivative of ReLU reads the output (\`> 0\`), so
nothing has to remember what stood there before. \`blob\` nodes mark which value a blob's name meant.

${fenced(graph)}

## 5. Passes

${steps.map((text) => fenced(text)).join("\n\n")}

## 6. Plan: two schedules and one arena

The bias and the ReLU run inside the convolution's loops; in backward the ReLU's mask is applied before the
gradients of weights and image are taken.

${fenced(printed("plan").at(-1)?.[1] ?? "")}

## 7. Kernels

Step 0 in the kernel language (\`codegen/kernel/kernel.ts\`), its structure only.

${fenced(printKernel(traced.program.kernels[0]))}

## 8. TypeScript

The same kernel as the \`ts\` renderer writes it, alone: shapes are constants, ${tile.rows} × ${tile.columns} sums stay in registers.

${fenced(traced.kernelText(0), "ts")}

The program has ${traced.program.kernels.length} kernels, ${source.split("\n").length} lines; \`transpile\` takes the types off (${transpile(source).split("\n").length} lines stay) and
\`node:vm\` makes functions of them. \`net.source\` shows the whole text of any compiled net, \`net.plan\` its plan.
`;
}

it("docs/FOLLOW-ONE-NET.md is what the compiler prints", async () => {
  await expect(page()).toMatchFileSnapshot(
    fileURLToPath(new URL("../../docs/FOLLOW-ONE-NET.md", import.meta.url)),
  );
});
