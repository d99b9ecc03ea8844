// A layer type of one's own: its gradient and its generated code come with the definition.
//
//   node examples/own-layer/run.mjs
import { fileURLToPath } from "node:url";
import { compile, elementwise, scalar } from "cortado";

const { add, constant, mul, unary } = scalar;

export const gelu = elementwise({
  type: "GELU",
  summary: "A value times the normal distribution function of it, by the usual approximation with tanh.",
  equation: "y = x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))",
  apply: (x) => {
    const inner = mul(constant(Math.sqrt(2 / Math.PI)), add(x, mul(constant(0.044715), mul(x, mul(x, x)))));
    return mul(mul(constant(0.5), x), add(constant(1), unary("tanh", inner)));
  },
});

const NET = `
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 5 } } }
layer { name: "gelu" type: "GELU" bottom: "data" top: "y" }
`;

export async function run(log = console.log) {
  const net = await compile(NET, { layers: [gelu] });
  const data = Float32Array.of(-2, -1, 0, 1, 2);
  const { y } = await net.forward({ data });
  const { inputs } = await net.backward({ y: new Float32Array(5).fill(1) });
  const f = (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  const slopes = [...data].map((x) => (f(x + 1e-4) - f(x - 1e-4)) / 2e-4);
  const show = (values) => [...values].map((v) => v.toFixed(5).padStart(9)).join("");
  log(`x               ${show(data)}`);
  log(`y               ${show(y)}`);
  log(`dy/dx           ${show(inputs["data"])}`);
  log(`by differences  ${show(slopes)}`);
  await net.close();
  return { y: [...y], gradient: [...inputs["data"]], slopes };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run();
