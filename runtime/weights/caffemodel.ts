import {
  type BlobProto,
  createMessage,
  decodeMessage,
  encodeMessage,
  has,
  type LayerParameter,
} from "../../proto/index.js";
import { CortadoError, createDiagnostics, type Diagnostic, userError } from "../../src/errors/index.js";
import { upgradeNet } from "../../src/prototxt/index.js";
import type { WeightBlob, WeightSet } from "./weight-set.js";

/**
 * Decodes a `.caffemodel`: a binary NetParameter of any generation. Blobs have `shape`, or the older num, channels,
 * height and width; values are `data`, or `double_data`.
 *
 * @param what what the user called it, for messages
 * @throws CortadoError when the bytes are no net, or blobs do not hold what their shapes say
 */
export function decodeCaffemodel(bytes: Uint8Array, what: string): WeightSet {
  const diagnostics = createDiagnostics();
  const net = upgradeNet(decodeMessage("NetParameter", bytes, what), diagnostics);
  const errors: Diagnostic[] = diagnostics.all.filter(({ severity }) => severity === "error");
  const layers = net.layer
    .filter(({ blobs }) => blobs.length > 0)
    .map(({ name, type, blobs }) => ({
      name,
      type,
      blobs: blobs.map((blob, index): WeightBlob => {
        const shape = shapeOf(blob);
        const data = blob.data.length > 0 ? blob.data : Float32Array.from(blob.double_data);
        const count = shape.reduce((product, extent) => product * extent, 1);
        if (data.length !== count || shape.some((extent) => extent < 0))
          errors.push({
            severity: "error",
            message: `${what}: parameter ${index} of layer ${JSON.stringify(name)} has ${data.length} values for its shape [${shape.join(", ")}]`,
          });
        return { shape, data };
      }),
    }));
  if (errors.length > 0) throw new CortadoError(errors);
  if (net.layer.length === 0)
    throw userError(`${what} holds no layers`, "a .caffemodel is a binary net with its weights");
  return { layers };
}

/** A blob that says nothing of its shape is a legacy one of four extents, unless it is empty altogether. */
function shapeOf(blob: BlobProto): readonly number[] {
  if (blob.shape) return blob.shape.dim;
  const legacy = (["num", "channels", "height", "width"] as const).some((field) => has(blob, field));
  return legacy
    ? [blob.num, blob.channels, blob.height, blob.width]
    : [blob.data.length || blob.double_data.length];
}

/** Encodes weights as Caffe's own tools read them: name, type and blobs of each layer, in the current format. */
export function encodeCaffemodel(weights: WeightSet): Uint8Array {
  const layer = weights.layers.map(
    ({ name, type, blobs }): LayerParameter =>
      createMessage("LayerParameter", {
        name,
        type,
        blobs: blobs.map(({ shape, data }) =>
          createMessage("BlobProto", { shape: createMessage("BlobShape", { dim: shape }), data }),
        ),
      }),
  );
  return encodeMessage("NetParameter", createMessage("NetParameter", { layer }));
}
