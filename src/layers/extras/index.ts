/**
 * Layer types of common forks of Caffe, which Caffe 1.0 does not have. They are not known unless a net is compiled
 * with them: `compile(net, { layers: extras })`.
 */
import type { LayerType } from "../record.js";
import { axpy } from "./axpy.js";
import { convolutionDepthwise } from "./convolution-depthwise.js";
import { depthwiseConvolution } from "./depthwise-convolution.js";
import { interp } from "./interp.js";
import { normalize } from "./normalize.js";
import { permute } from "./permute.js";
import { relu6 } from "./relu6.js";
import { shuffleChannel } from "./shuffle-channel.js";
import { upsample } from "./upsample.js";

export const extras: readonly LayerType[] = Object.freeze([
  axpy,
  convolutionDepthwise,
  depthwiseConvolution,
  interp,
  normalize,
  permute,
  relu6,
  shuffleChannel,
  upsample,
]);
