import { sameShape } from "../../../codegen/ir/graph.js";
import { add, arg, binary, constant, mul, type Scalar } from "../../../codegen/ir/scalar.js";
import type { EltwiseParameter } from "../../../proto/index.js";
import { showShape } from "../../../proto/words/amounts.js";
import { times } from "../arity.js";
import { twoAlike } from "../domain.js";
import { defineLayer, parameterOf } from "../record.js";

/** Bottoms that one expression reads at most. */
const AT_ONCE = 15;

export const eltwise = defineLayer({
  type: "Eltwise",
  parameter: "eltwise_param",
  summary: "The sum (with coefficients), the product or the greatest of its bottoms, element by element.",
  equation: "SUM: y = Σ coeffᵢ · xᵢ; PROD: y = Π xᵢ; MAX: y = max xᵢ",
  notes: [
    "coeff is for SUM; PROD refuses it, and MAX does not read it, as in Caffe.",
    "MAX gives the whole gradient to one bottom: on a tie to the second of the first two, and to an earlier one before a third or later.",
    "The gradient of PROD is always the stable one, which needs no division.",
  ],
  bottoms: { min: 2 },
  tops: { exact: 1 },
  inPlace: true,
  lower({ builder, bottoms, parameter, fail }) {
    const { operation, coeff } = parameter;
    if (coeff.length > 0 && coeff.length !== bottoms.length)
      fail(
        `coeff must be given once for each of the ${bottoms.length} bottoms, and is given ${times(coeff.length)}`,
        "coeff",
      );
    if (coeff.length > 0 && operation === "PROD") fail("coefficients go with SUM only", "coeff");
    for (const [i, x] of bottoms.entries()) {
      if (sameShape(x.shape, bottoms[0].shape)) continue;
      const shapes = `${showShape(bottoms[0].shape)} and ${showShape(x.shape)}`;
      fail(`bottoms must have one shape, and theirs are ${shapes}`, undefined, { bottoms: [0, i] });
    }
    // Many bottoms are taken a few at a time, so that no expression grows without bound.
    let y = bottoms[0];
    for (let from = 0; from < bottoms.length; from += AT_ONCE) {
      const some = bottoms.slice(from, from + AT_ONCE);
      const terms = some.map((_, i) =>
        operation === "SUM" ? mul(constant(coeff[from + i] ?? 1), arg(i)) : arg(i),
      );
      y =
        from === 0
          ? builder.map(combine(operation, terms, 1), some, y.shape)
          : builder.map(combine(operation, [arg(some.length), ...terms], 0), [...some, y], y.shape);
    }
    return [y];
  },
  domain: {
    shapes: twoAlike,
    settings: (draw) => ({ eltwise_param: { operation: draw.of(["SUM", "PROD", "MAX"]) } }),
    values: (layer, shapes) =>
      shapes.map((_, i) =>
        parameterOf(layer, "eltwise_param").operation === "MAX"
          ? { kind: "distinct", gap: 0.1, offset: i / shapes.length }
          : { kind: "real", min: -2, max: 2 },
      ),
  },
});

/**
 * The terms as one, from left to right. `max` takes its second operand on a tie: Caffe does so for the first two
 * bottoms (`latest` 1), then keeps what it has.
 */
function combine(operation: EltwiseParameter["operation"], terms: readonly Scalar[], latest: number): Scalar {
  switch (operation) {
    case "SUM":
      return terms.reduce(add);
    case "PROD":
      return terms.reduce(mul);
    case "MAX":
      return terms.reduce((most, x, i) => (i <= latest ? binary("max", most, x) : binary("max", x, most)));
    default:
      return operation satisfies never;
  }
}
