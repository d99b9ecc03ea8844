import { CortadoError, createDiagnostics, type Diagnostic, userError } from "../../proto/errors/index.js";
import {
  createMessage,
  decodeMessage,
  encodeMessage,
  type FieldInfo,
  fieldInfo,
  type LayerParameter,
  type MessageName,
  messageInfo,
  type NetParameter,
  withFields,
} from "../../proto/index.js";
import { upgradeNet } from "../../proto/upgrade/upgrade.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted } from "../../proto/words/names.js";
import { littleEndianBytes } from "../../proto/words/text-bytes.js";
import { valuesOfBlob } from "../blob-proto.js";
import { fillsShape, type WeightBlob, type WeightSet } from "./weight-set.js";

/**
 * Decodes a `.caffemodel`: a binary NetParameter of any generation. Blobs have `shape`, or the older num, channels,
 * height and width; values are `double_data`, or else `data`, as Blob::FromProto takes them.
 *
 * @param what what the user called it, for messages
 * @param owned whether nobody else reads the bytes: values then stay in them
 * @throws CortadoError when the bytes are no net, or blobs do not hold what their shapes say
 */
export function decodeCaffemodel(bytes: Uint8Array, what: string, owned = false): WeightSet {
  const errors: Diagnostic[] = [];
  const layers = layersOf(decodeMessage("NetParameter", bytes, what, isSettings, owned), what, errors)
    .filter(({ blobs }) => blobs.length > 0)
    .map(({ name, type, blobs }) => ({
      name,
      type,
      blobs: blobs.map((blob, index): WeightBlob => {
        const { shape, data } = valuesOfBlob(blob);
        const isRaw = data.length === 0 && blob.raw_data.length > 0;
        const held = isRaw
          ? `${blob.raw_data.length} bytes of raw_data (NVIDIA's fork of Caffe), type ${blob.raw_data_type},`
          : `${data.length} values`;
        if (!fillsShape(data.length, shape))
          errors.push({
            severity: "error",
            message: `${what}: parameter ${index} of layer ${quoted(name)} has ${held} for its shape ${showShape(shape)}`,
            hint: data.length === 0 && !isRaw && shape.length > 0 ? ELSEWHERE : undefined,
          });
        return { shape, data };
      }),
    }));
  if (errors.length > 0) throw new CortadoError(errors);
  if (layers.length === 0)
    throw userError(
      `${what} holds no weights`,
      "a .caffemodel is a binary net whose layers have blobs: it may be a net without them, or no net at all",
    );
  return { layers };
}

const ELSEWHERE =
  "a fork of Caffe may keep values in fields of its own: let it write them as BVLC Caffe does (data)";

/**
 * Forks of Caffe gave numbers of its fields to settings of their own; weights do not need any, so that such a file is
 * read whatever it says there.
 */
const isSettings = ({ name, kind }: FieldInfo): boolean => kind.is === "message" && name.endsWith("_param");

/** The layers in the current format. Inputs are nothing to weights, so what is wrong with them is not reported. */
function layersOf(net: NetParameter, what: string, errors: Diagnostic[]): readonly LayerParameter[] {
  const diagnostics = createDiagnostics();
  const { layer } = upgradeNet(
    withFields(net, { input: undefined, input_dim: undefined, input_shape: undefined }),
    diagnostics,
  );
  for (const { severity, message, hint } of diagnostics.all)
    if (severity === "error") errors.push({ severity, message: `${what}: ${message}`, hint });
  return layer;
}

/**
 * Encodes weights as Caffe's own tools read them: name, type and blobs of each layer, in the current format. The pieces
 * together are the file; values are not copied, since a general writer would hold a large net several times.
 */
export function encodeCaffemodel(weights: WeightSet): readonly Uint8Array[] {
  return weights.layers.flatMap(({ name, type, blobs }) =>
    delimited(NET.layer, [
      encodeMessage("LayerParameter", { name, type }),
      ...blobs.flatMap(({ shape, data }) =>
        delimited(LAYER.blobs, [
          ...(data.length > 0 ? delimited(BLOB.data, [littleEndianBytes(data)]) : []),
          encodeMessage("BlobProto", { shape: createMessage("BlobShape", { dim: [...shape] }) }),
        ]),
      ),
    ]),
  );
}

const numberOf = (message: MessageName, field: string): number => fieldInfo(messageInfo(message), field).id;
const NET = { layer: numberOf("NetParameter", "layer") };
const LAYER = { blobs: numberOf("LayerParameter", "blobs") };
const BLOB = { data: numberOf("BlobProto", "data") };

/** A field of wire type 2: its number, its length, its bytes. */
function delimited(field: number, content: readonly Uint8Array[]): readonly Uint8Array[] {
  const length = content.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return [Uint8Array.from([...varint(field * 8 + 2), ...varint(length)]), ...content];
}

/** Seven bits a byte, the lowest first; all but the last are marked. */
function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))];
}
