/** Layers as prototxt. */
import { createMessage, type LayerParameter, messageInfo, messageOf } from "../../proto/index.js";
import { formatNet } from "../net-text/index.js";
import type { InputDomain } from "./random-net.js";

/** The text of a net of Input layers and these. */
export const netText = (
  inputs: readonly InputDomain[],
  layers: readonly LayerParameter[],
  force: boolean,
): string =>
  formatNet(
    createMessage("NetParameter", {
      ...(force ? { force_backward: true } : {}),
      layer: [...inputs.map(inputLayer), ...layers],
    }),
  );

const inputLayer = ({ blob, shape }: InputDomain): LayerParameter =>
  messageOf(messageInfo("LayerParameter"), {
    name: blob,
    type: "Input",
    top: [blob],
    input_param: { shape: [{ dim: shape }] },
  }) as LayerParameter;
