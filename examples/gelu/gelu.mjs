// x · Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016), by one of the paper's two approximations.
import { elementwise, scalar } from "cortado";

const { add, constant, mul, unary } = scalar;

export const gelu = elementwise({
  type: "GELU",
  param: { name: "gelu_param", fields: { tanh: { type: "bool", default: true } } },
  summary: "A value times the normal distribution function of it.",
  equation: "y = x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³))); tanh: false gives x · sigmoid(1.702 · x)",
  apply(x, { tanh }) {
    if (!tanh) return mul(x, unary("sigmoid", mul(constant(1.702), x)));
    const inner = mul(constant(Math.sqrt(2 / Math.PI)), add(x, mul(constant(0.044715), mul(x, mul(x, x)))));
    return mul(mul(constant(0.5), x), add(constant(1), unary("tanh", inner)));
  },
  settings: (draw) => ({ gelu_param: { tanh: draw.boolean() } }),
});
