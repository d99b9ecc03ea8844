/** The schema of the files that Caffe users have, their types, and their binary form. */
export { decodeMessage, encodeMessage } from "./binary.js";
export * from "./generated/caffe.js";
export {
  createMessage,
  type Draft,
  defaultsOf,
  draft,
  floatValue,
  give,
  has,
  infoOf,
  type Message,
  seal,
  typeOf,
  withFields,
} from "./message.js";
export {
  type FieldInfo,
  type FieldKind,
  type MessageInfo,
  type MessageName,
  messageInfo,
  type ScalarKind,
  schemaRoot,
} from "./schema.js";
