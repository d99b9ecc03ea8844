import { depthwise } from "./depthwise.js";

export const depthwiseConvolution = depthwise("DepthwiseConvolution", "The fork of many MobileNets.");
