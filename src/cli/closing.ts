/** Something that is closed when its work is done; closing it may write a file. */
export interface Closable {
  close(): Promise<void>;
}

/** Does some work and closes what it was done with. Of two failures the first is told: the other comes of it. */
export async function closingAfter<T>(thing: Closable, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await thing.close().catch(() => undefined);
    throw error;
  }
  await thing.close();
  return result;
}
