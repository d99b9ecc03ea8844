import { describe, expect, it } from "vitest";
import { CortadoError } from "../../../proto/errors/index.js";
import { createSolver } from "../../../src/create-solver.js";
import { compile } from "../../../src/net/compile.js";
import { addonForTests } from "../../support/native.js";

const messageOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CortadoError);
  return (error as CortadoError).message;
};

/** In place from layer to layer: only the versions of the blob tell which layer it was. */
const IN_PLACE = `
force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "half" type: "Power" bottom: "x" top: "y" power_param { scale: 0.5 } }
layer { name: "log" type: "Log" bottom: "y" top: "y" }
layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
layer { name: "exp" type: "Exp" bottom: "y" top: "z" }
`;

/** Backward alone fails: the slope of a square root at 0. */
const SLOPE = `
force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 } } }
layer { name: "scale" type: "Scale" bottom: "x" top: "s" scale_param { axis: 0 filler { value: 1 } } }
layer { name: "root" type: "Power" bottom: "s" top: "r" power_param { power: 0.5 } }
layer { name: "twice" type: "Power" bottom: "r" top: "out" power_param { scale: 2 } }
`;

const emulated = await addonForTests();

describe.each(["ts", "wasm", ...(emulated ? (["emulator"] as const) : [])] as const)(
  "debug: finite, on %s",
  (target) => {
    it("names the first layer that makes a number that is none", async () => {
      const net = await compile(IN_PLACE, { debug: "finite", target });
      const message = await messageOf(net.forward({ x: Float32Array.of(1, 2, 3, 4, -5, 0) }));
      expect(message).toMatch(
        /^<net>:5:\d+: error: layer "log" \(Log\): top "y" is NaN at element 4 \(\[1, 1\] of 2×3\); 2 of 6/,
      );
      expect(message).toContain('bottom "y": from -2.5 to 2');
      await net.close();
    });

    it("names the layer whose backward made it", async () => {
      const net = await compile(SLOPE, { debug: "finite", target, phase: "TRAIN" });
      const out = Float32Array.of(1, 1, 1, 1);
      await net.forward({ x: Float32Array.of(1, 4, 0, 9) });
      const message = await messageOf(net.backward({ out }));
      expect(message).toMatch(
        /layer "root" \(Power\): diff of bottom "s" is Infinity at element 2 \(\[2\] of 4\); 1 of 4/,
      );
      expect(message).toContain('diff of top "r": from 2 to 2');
      expect(message).toContain('bottom "s": from 0 to 9');
      await net.close();
    });

    it("tells of parameters that are not finite before the layer that reads them", async () => {
      const net = await compile(SLOPE, { debug: "finite", target });
      await net.params["scale"][0].write(Float32Array.of(1, Number.NaN, 1, 1));
      const message = await messageOf(net.forward({ x: Float32Array.of(1, 4, 1, 9) }));
      expect(message).toMatch(/layer "scale" \(Scale\): top "s" is NaN at element 1/);
      expect(message).toContain("parameter 0: from 1 to 1, 1 of 4 not finite");
      await net.close();
    });

    it("says nothing where all is finite, and computes the same", async () => {
      const x = Float32Array.of(1, 2, 3, 4, 5, 6);
      const results = [];
      for (const debug of ["finite", undefined] as const) {
        const net = await compile(IN_PLACE, { debug, target, phase: "TRAIN" });
        results.push([await net.forward({ x }), await net.backward({ z: x })]);
        await net.close();
      }
      expect(results[0]).toEqual(results[1]);
    });
  },
);

it("stops a training that diverges at the layer where it does", async () => {
  const solver = await createSolver(
    `base_lr: 1e30 lr_policy: "fixed" max_iter: 5 snapshot_after_train: false
     net_param {
       layer { name: "x" type: "Input" top: "x" top: "t" input_param { shape { dim: 2 dim: 3 } shape { dim: 2 dim: 2 } } }
       layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
       layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "loss" }
     }`,
    {
      debug: "finite",
      target: "ts",
      inputs: { x: Float32Array.of(1, 2, 3, 4, 5, 6), t: Float32Array.of(1, 0, 0, 1) },
    },
  );
  expect(await messageOf(solver.solve())).toMatch(/layer "(ip|loss)" \(\w+\): (top|gradient|diff)/);
  await solver.close();
});

it("refuses another word", async () => {
  expect(await messageOf(compile(SLOPE, { debug: "nan" as "finite" }))).toContain('option debug is "nan"');
});
