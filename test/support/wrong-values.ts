/** Values that plain JavaScript can give where something else is wanted, hostile ones among them. */

import { runInNewContext } from "node:vm";

const detached = new Float32Array(6);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
const hostile = (): never => {
  throw new RangeError("mine");
};
const traps = Object.fromEntries(
  ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"].map((trap) => [trap, hostile]),
);
const revoked = Proxy.revocable([], {});
revoked.revoke();
const cyclic: Record<string, unknown> = { layer: [] };
cyclic["layer"] = [cyclic];

/** Values that are wrong in most places. */
export const WRONG: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  true: true,
  zero: 0,
  "minus one": -1,
  "one and a half": 1.5,
  NaN: Number.NaN,
  "1e99": 1e99,
  "empty text": "",
  text: "x",
  "a text with a brace": "}{",
  "a text with a NUL": "a\0b",
  "a long text": "y".repeat(100_000),
  array: [],
  "array of junk": [null, {}, Symbol("s")],
  "nested array": [[1, 2], [3]],
  "array of holes": new Array(2 ** 32 - 1),
  "object of junk": { weights: Symbol("s"), phase: 3, data: hostile, name: [], layer: 5 },
  object: {},
  "unknown keys": { zzz: 1, form: "ip" },
  bare: Object.create(null),
  "no one's": Object.assign(Object.create({ inherited: 1 }), { own: 1 }),
  instance: new (class Own {
    #hidden = 1;
    get phase() {
      return this.#hidden;
    }
  })(),
  function: () => 1,
  class: class Some {},
  symbol: Symbol("s"),
  bigint: 10n,
  map: new Map([["phase", "TRAIN"]]),
  set: new Set([1]),
  date: new Date(Number.NaN),
  regexp: /x/,
  promise: Promise.resolve(1),
  error: new Error("x"),
  "String object": new String("x"),
  "http URL": new URL("http://localhost/x"),
  "file URL": new URL("file:///no/such/file"),
  "odd file URL": new URL("file://host/x"),
  "odd file text": "file:///%00",
  ArrayBuffer: new ArrayBuffer(8),
  "empty ArrayBuffer": new ArrayBuffer(0),
  detached: detached.buffer,
  "detached array": detached,
  SharedArrayBuffer: new SharedArrayBuffer(8),
  DataView: new DataView(new ArrayBuffer(8)),
  Uint8Array: Uint8Array.of(1, 2, 3),
  Buffer: Buffer.from("x: 1"),
  Float32Array: new Float32Array(7),
  BigInt64Array: new BigInt64Array(6),
  "array of another realm": runInNewContext("[1, 2, 3]"),
  "object of another realm": runInNewContext("({ phase: 'TEST', zzz: 1 })"),
  "typed array of another realm": runInNewContext("new Float32Array(6)"),
  "proxy that throws": new Proxy({}, traps),
  "array proxy that throws": new Proxy([1], traps),
  "revoked proxy": revoked.proxy,
  "getter that throws": {
    get phase() {
      return hostile();
    },
    get data() {
      return hostile();
    },
    get type() {
      return hostile();
    },
  },
  "throws what is nothing": {
    get phase() {
      throw undefined;
    },
  },
  cyclic,
};
