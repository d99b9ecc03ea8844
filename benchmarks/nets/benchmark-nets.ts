/** The nets that benchmarks run: their published structures, written anew. */
import { type NetWriter, netWriter } from "./net-writer.js";

/** A net, its batch, and its prototxt for both phases: `prob` in TEST, losses in TRAIN. */
export interface BenchmarkNet {
  readonly title: string;
  readonly batch: number;
  /** Of one image: channels, rows, columns. */
  readonly image: readonly [number, number, number];
  readonly classes: number;
  text(batch?: number): string;
}

const net = (
  title: string,
  batch: number,
  image: BenchmarkNet["image"],
  classes: number,
  write: (writer: NetWriter, classes: number) => void,
): BenchmarkNet => ({
  title,
  batch,
  image,
  classes,
  text(size = batch) {
    const writer = netWriter(title, [size, ...image]);
    write(writer, classes);
    return writer.text();
  },
});

/** Probabilities in TEST, their loss in TRAIN. */
function ends(writer: NetWriter, scores: string): void {
  writer.only("TEST", () => writer.softmax("prob", scores));
  writer.only("TRAIN", () => writer.softmaxLoss("loss", scores));
}

/** After LeCun et al. (1998), as in Caffe's examples. */
function lenet(w: NetWriter, classes: number): void {
  const pool1 = w.pool("pool1", w.conv("conv1", "data", 20, 5), "MAX", 2, { stride: 2 });
  const pool2 = w.pool("pool2", w.conv("conv2", pool1, 50, 5), "MAX", 2, { stride: 2 });
  ends(w, w.innerProduct("ip2", w.relu("relu1", w.innerProduct("ip1", pool2, 500)), classes));
}

/** Krizhevsky et al. (2012) with pooling before normalization, as in Caffe's reference model. */
function caffenet(w: NetWriter, classes: number): void {
  const block = (place: number, bottom: string): string =>
    w.lrn(`norm${place}`, w.pool(`pool${place}`, w.relu(`relu${place}`, bottom), "MAX", 3, { stride: 2 }));
  const norm1 = block(1, w.conv("conv1", "data", 96, 11, { stride: 4 }));
  const norm2 = block(2, w.conv("conv2", norm1, 256, 5, { pad: 2, group: 2 }));
  const conv3 = w.relu("relu3", w.conv("conv3", norm2, 384, 3, { pad: 1 }));
  const conv4 = w.relu("relu4", w.conv("conv4", conv3, 384, 3, { pad: 1, group: 2 }));
  const conv5 = w.relu("relu5", w.conv("conv5", conv4, 256, 3, { pad: 1, group: 2 }));
  let top = w.pool("pool5", conv5, "MAX", 3, { stride: 2 });
  for (const place of [6, 7])
    top = w.dropout(`drop${place}`, w.relu(`relu${place}`, w.innerProduct(`fc${place}`, top, 4096)), 0.5);
  ends(w, w.innerProduct("fc8", top, classes));
}

type Inception = readonly [
  one: number,
  reduce3: number,
  three: number,
  reduce5: number,
  five: number,
  pool: number,
];

/** Szegedy et al. (2014), table 1. */
const INCEPTIONS: Readonly<Record<string, Inception>> = {
  "3a": [64, 96, 128, 16, 32, 32],
  "3b": [128, 128, 192, 32, 96, 64],
  "4a": [192, 96, 208, 16, 48, 64],
  "4b": [160, 112, 224, 24, 64, 64],
  "4c": [128, 128, 256, 24, 64, 64],
  "4d": [112, 144, 288, 32, 64, 64],
  "4e": [256, 160, 320, 32, 128, 128],
  "5a": [256, 160, 320, 32, 128, 128],
  "5b": [384, 192, 384, 48, 128, 128],
};

/** Szegedy et al. (2014), with its two auxiliary losses in TRAIN. */
function googlenet(w: NetWriter, classes: number): void {
  const conv = (name: string, bottom: string, outputs: number, kernel: number, stride?: number): string =>
    w.relu(
      `${name}/relu`,
      w.conv(name, bottom, outputs, kernel, { stride, pad: kernel > 1 ? (kernel - 1) / 2 : undefined }),
    );
  const inception = (place: string, bottom: string): string => {
    const [one, reduce3, three, reduce5, five, pool] = INCEPTIONS[place];
    const name = `inception_${place}`;
    return w.concat(`${name}/output`, [
      conv(`${name}/1x1`, bottom, one, 1),
      conv(`${name}/3x3`, conv(`${name}/3x3_reduce`, bottom, reduce3, 1), three, 3),
      conv(`${name}/5x5`, conv(`${name}/5x5_reduce`, bottom, reduce5, 1), five, 5),
      conv(`${name}/pool_proj`, w.pool(`${name}/pool`, bottom, "MAX", 3, { stride: 1, pad: 1 }), pool, 1),
    ]);
  };
  const auxiliary = (place: number, bottom: string): string =>
    w.only("TRAIN", () => {
      const pooled = w.pool(`loss${place}/pool`, bottom, "AVE", 5, { stride: 3 });
      const hidden = w.innerProduct(`loss${place}/fc`, conv(`loss${place}/conv`, pooled, 128, 1), 1024);
      const kept = w.dropout(`loss${place}/drop`, w.relu(`loss${place}/relu`, hidden), 0.7);
      return w.softmaxLoss(
        `loss${place}/loss`,
        w.innerProduct(`loss${place}/classifier`, kept, classes),
        0.3,
      );
    });
  const norm1 = w.lrn("norm1", w.pool("pool1", conv("conv1", "data", 64, 7, 2), "MAX", 3, { stride: 2 }));
  const norm2 = w.lrn("norm2", conv("conv2", conv("conv2_reduce", norm1, 64, 1), 192, 3));
  const pool2 = w.pool("pool2", norm2, "MAX", 3, { stride: 2 });
  const pool3 = w.pool("pool3", inception("3b", inception("3a", pool2)), "MAX", 3, { stride: 2 });
  const mixed4a = inception("4a", pool3);
  auxiliary(1, mixed4a);
  const mixed4d = inception("4d", inception("4c", inception("4b", mixed4a)));
  auxiliary(2, mixed4d);
  const pool4 = w.pool("pool4", inception("4e", mixed4d), "MAX", 3, { stride: 2 });
  const mixed5b = inception("5b", inception("5a", pool4));
  const pool5 = w.dropout("drop", w.pool("pool5", mixed5b, "AVE", 7, { stride: 1 }), 0.4);
  ends(w, w.innerProduct("classifier", pool5, classes));
}

/** Blocks of each stage, and the channels of their inner convolutions. */
const STAGES: readonly (readonly [blocks: number, channels: number])[] = [
  [3, 64],
  [4, 128],
  [6, 256],
  [3, 512],
];

/** He et al. (2015), 50 layers; a stage's first block strides in its first convolution. */
function resnet50(w: NetWriter, classes: number): void {
  const conv = (
    name: string,
    bottom: string,
    outputs: number,
    kernel: number,
    stride: number,
    pad?: number,
  ): string =>
    w.normalize(
      [`bn${name}`, `scale${name}`],
      w.conv(`res${name}`, bottom, outputs, kernel, { stride, pad, bias: false }),
    );
  const first = w.normalize(
    ["bn_conv1", "scale_conv1"],
    w.conv("conv1", "data", 64, 7, { stride: 2, pad: 3 }),
  );
  let top = w.pool("pool1", w.relu("conv1_relu", first), "MAX", 3, { stride: 2 });
  for (const [stage, [blocks, channels]] of STAGES.entries())
    for (let block = 0; block < blocks; block++) {
      const name = `${stage + 2}${"abcdef"[block]}`;
      const stride = block === 0 && stage > 0 ? 2 : 1;
      const past = block === 0 ? conv(`${name}_branch1`, top, 4 * channels, 1, stride) : top;
      const reduced = w.relu(`res${name}_branch2a_relu`, conv(`${name}_branch2a`, top, channels, 1, stride));
      const inner = w.relu(`res${name}_branch2b_relu`, conv(`${name}_branch2b`, reduced, channels, 3, 1, 1));
      const sum = w.sum(`res${name}`, [past, conv(`${name}_branch2c`, inner, 4 * channels, 1, 1)]);
      top = w.relu(`res${name}_relu`, sum);
    }
  ends(w, w.innerProduct("fc1000", w.pool("pool5", top, "AVE", 7, { stride: 1 }), classes));
}

export const BENCHMARK_NETS = {
  lenet: net("LeNet", 64, [1, 28, 28], 10, lenet),
  caffenet: net("CaffeNet", 10, [3, 227, 227], 1000, caffenet),
  googlenet: net("GoogLeNet", 10, [3, 224, 224], 1000, googlenet),
  resnet50: net("ResNet-50", 4, [3, 224, 224], 1000, resnet50),
} as const;

export type BenchmarkNetName = keyof typeof BENCHMARK_NETS;
