/** Shapes, memory, counts and times as people read them. */

const MOST_EXTENTS = 8;

/** `64×1×28×28`; `scalar` without axes; cut where it is absurdly long. */
export function showShape(shape: readonly number[]): string {
  if (shape.length === 0) return "scalar";
  return shape.length > MOST_EXTENTS ? `${shape.slice(0, MOST_EXTENTS).join("×")}×…` : shape.join("×");
}

/** `[64×1×28×28]`, and `[]` without axes: where shapes stand in a row, as operands do. */
export const showOperand = (shape: readonly number[]): string => `[${shape.join("×")}]`;

/** 431080 → "431,080". */
export const grouped = (count: number): string =>
  String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** "1 file", "2,000 files". */
export const showCount = (n: number, what: string): string => `${grouped(n)} ${what}${n === 1 ? "" : "s"}`;

const scaled = (value: number, base: number, units: readonly string[]): string => {
  let unit = 0;
  let rest = value;
  while (rest >= base * 0.9995 && unit < units.length - 1) {
    rest /= base;
    unit++;
  }
  const digits = unit === 0 ? 0 : rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0;
  return `${rest.toFixed(digits)} ${units[unit]}`.trim();
};

/** 2293000 → "2.29 M". */
export const showThousands = (count: number): string => scaled(count, 1000, ["", "k", "M", "G", "T", "P"]);

/** Memory and files, in powers of 1024: 1536 → "1.50 KiB". Only traffic beside a bandwidth stays decimal, as that is. */
export const showBytes = (count: number): string =>
  scaled(count, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]);

/** 102.4 → "1m 42s"; 3.21 → "3.2s". */
export function showDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60);
  if (hours > 0) return `${hours}h ${String(minutes).padStart(2, "0")}m`;
  return minutes > 0 ? `${minutes}m ${rest.padStart(2, "0")}s` : `${rest}s`;
}
