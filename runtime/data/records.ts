/** One record with its values: channel by channel, row by row, top row first. */
export interface PlainRecord {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly label: number;
  /** It was an image file, of which channels may be asked. */
  readonly wasEncoded?: boolean;
  /** channels × height × width values; colour channels in the order blue, green, red */
  readonly data: Uint8Array | Float32Array;
}

/** One record whose image is still a file: JPEG, PNG, … */
export interface EncodedRecord {
  readonly encoded: Uint8Array;
  readonly label: number;
}

export type StoredRecord = PlainRecord | EncodedRecord;

/** An in-order walk over records. */
export interface RecordCursor {
  /** What is read, for messages. */
  readonly name: string;
  /** How many records there are, where that is known without reading them all. */
  readonly count?: number;
  /** Where the record stands in the source that comes as number `index`: where they come in another order. */
  placeOf?(index: number): number;
  /** The next record, or undefined after the last. */
  next(): Promise<StoredRecord | undefined>;
  /** Steps over one record; false after the last. */
  skip(): Promise<boolean>;
  /** Back to before the first record. */
  rewind(): Promise<void>;
  close(): Promise<void>;
}

/** One key and its value; both may be kept. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** An in-order walk over a key-value database. */
export interface KeyValueCursor {
  /** How many records there are, where the format says. */
  readonly count?: number;
  /** The next record in key order, or undefined after the last. */
  next(): Promise<KeyValue | undefined>;
  /** Steps over one record, without reading its value where possible; false after the last. */
  skip(): Promise<boolean>;
  /** Back to before the first record. */
  rewind(): Promise<void>;
  close(): Promise<void>;
}
