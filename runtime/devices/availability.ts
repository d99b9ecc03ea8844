/** Whether nets run on a device here, and why: the end of a sentence, in either case. */
export type Availability = { readonly works: boolean; readonly why: string };
