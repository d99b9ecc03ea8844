/** A drawn net as prototxt. */
import { createMessage, type LayerParameter, messageInfo, messageOf } from "../../proto/index.js";
import { formatNet } from "../net-text/index.js";
import type { DrawnInput } from "./random-net.js";

/** The text of a net of Input layers and these. */
export const netText = (
  inputs: readonly DrawnInput[],
  layers: readonly LayerParameter[],
  force: boolean,
): string =>
  formatNet(
    createMessage("NetParameter", {
      ...(force ? { force_backward: true } : {}),
      layer: [...inputs.map(inputLayer), ...layers],
    }),
  );

const inputLayer = ({ blob, shape }: DrawnInput): LayerParameter =>
  messageOf(messageInfo("LayerParameter"), {
    name: blob,
    type: "Input",
    top: [blob],
    input_param: { shape: [{ dim: shape }] },
  }) as LayerParameter;
