import { forward, gradients, mistakes, resume, said, type Training, target, train } from "./scenario.js";

/** LeNet's texts, which the page is served with. */
const training = (await (await fetch("training.json")).json()) as Omit<Training, "fma">;

export const result = {
  apart: await train({ ...training, fma: "never" }),
  fused: await train({ ...training, fma: "auto" }),
  resumed: await resume({ ...training, fma: "auto" }),
  wasm: await forward("wasm"),
  ts: await said(forward("ts")),
  mistakes: await mistakes(training.solver),
  gradients: await said(gradients()),
  target: await target({}),
  threads: await said(target({ threads: 2 })),
};
