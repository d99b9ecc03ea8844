import type { Memory } from "../../kernel/kernel.js";

export const memoryName = (buffer: Memory): string => (buffer >= 0 ? `b${buffer}` : `s${-1 - buffer}`);
