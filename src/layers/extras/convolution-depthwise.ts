import { depthwise } from "./depthwise.js";

export const convolutionDepthwise = depthwise("ConvolutionDepthwise", "The fork of many ShuffleNets.");
