/** How image files begin, as characters of latin1. */
type Mark = (head: string) => boolean;

const begins =
  (...marks: readonly string[]): Mark =>
  (head) =>
    marks.some((mark) => head.startsWith(mark));

/** A letter and one of some others, then white space. */
const portable =
  (kinds: string): Mark =>
  (head) =>
    head[0] === "P" && head.length > 2 && kinds.includes(head[1]) && /\s/.test(head[2]);

/** Formats of images by name: those that are read, and others that people have. */
const IMAGE_MARKS = {
  JPEG: begins("\xff\xd8\xff"),
  PNG: begins("\x89PNG\r\n\x1a\n"),
  BMP: begins("BM"),
  "PBM, PGM or PPM": portable("123456"),
  TIFF: begins("II*\0", "MM\0*", "II+\0", "MM\0+"),
  WebP: (head) => head.startsWith("RIFF") && head.startsWith("WEBP", 8),
  "JPEG 2000": begins("\0\0\0\x0cjP  \r\n\x87\n", "\xff\x4f\xff\x51"),
  GIF: begins("GIF8"),
  SVG: (head) => /^[^<]{0,8}</.test(head) && /<svg\b/i.test(head),
  "AVIF or HEIF": (head) => /^ftyp(avi|hei|hev|mif|msf)/.test(head.slice(4)),
  "JPEG XL": begins("\xff\x0a", "\0\0\0\x0cJXL "),
  Photoshop: begins("8BPS"),
  "Windows icon": begins("\0\0\x01\0", "\0\0\x02\0"),
  PAM: portable("7"),
  PFM: portable("Ff"),
  "Sun raster": begins("\x59\xa6\x6a\x95"),
  "Radiance HDR": begins("#?R"),
  OpenEXR: begins("\x76\x2f\x31\x01"),
} as const satisfies Readonly<Record<string, Mark>>;

export type ImageName = keyof typeof IMAGE_MARKS;

const NAMES = Object.keys(IMAGE_MARKS) as ImageName[];

/** The format of an image by how its file begins (512 bytes tell); undefined for what begins like none of them. */
export const imageNameOf = (head: string): ImageName | undefined =>
  NAMES.find((name) => IMAGE_MARKS[name](head));
