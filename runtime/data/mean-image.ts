/** The mean of images. */
export interface Mean {
  /** Channels, height, width. */
  readonly shape: readonly [channels: number, height: number, width: number];
  /** Of each pixel, channel by channel, row by row; colours in the order blue, green, red. */
  readonly data: Float32Array;
  /** Of each channel: what `mean_value` takes. */
  readonly channels: readonly number[];
}

/** The mean of each channel. */
export function channelMeans(data: Float32Array, channels: number): readonly number[] {
  const size = data.length / channels;
  return Array.from({ length: channels }, (_, channel) => {
    const own = data.subarray(channel * size, (channel + 1) * size);
    return own.reduce((sum, x) => sum + x, 0) / size;
  });
}
