/** The rows of a batch: the inputs' first extent. */
export interface BatchTable {
  readonly rows: number;
  /** Why forward takes all of them, as a clause; absent where it takes fewer. */
  readonly whole?: string;
}
