/** The schema of the files that Caffe users have, their types, and their binary form. */
export { decodeMessage, encodeMessage, encodePlain, type Plain } from "./binary.js";
export {
  type DeclaredFields,
  type DeclaredMessage,
  type DeclaredOf,
  declareField,
  type FieldDeclaration,
} from "./declare.js";
export * from "./generated/caffe.js";
export {
  createMessage,
  createMessageOf,
  type Draft,
  defaultsOf,
  draft,
  floatValue,
  give,
  has,
  infoOf,
  isMessage,
  type Message,
  messageOf,
  seal,
  typeOf,
  withFields,
} from "./message.js";
export {
  extendSchema,
  type FieldInfo,
  type FieldKind,
  fieldInfo,
  type MessageInfo,
  type MessageName,
  messageInfo,
  type ScalarKind,
  type Schema,
  schemaRoot,
} from "./schema.js";
