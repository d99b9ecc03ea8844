import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  createDiagnostics,
  type Diagnostic,
  formatDiagnostics,
  lineAndColumn,
} from "../../../proto/errors/index.js";
import {
  decodeMessage,
  encodeMessage,
  has,
  type MessageName,
  type MessageTypes,
} from "../../../proto/index.js";
import { nameSpanOf, parseMessage, spanOf } from "../../../src/net-text/index.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

function parse<T extends MessageName>(
  text: string,
  type: T,
): { message: MessageTypes[T]; all: readonly Diagnostic[] } {
  const diagnostics = createDiagnostics();
  const message = parseMessage({ name: "test.prototxt", text }, type, diagnostics);
  return { message, all: diagnostics.all };
}

function accepted<T extends MessageName>(text: string, type: T): MessageTypes[T] {
  const { message, all } = parse(text, type);
  expect(formatDiagnostics(all)).toBe("");
  return message;
}

/** `line:column message`, and the hint after an arrow. */
function mistakes(text: string, type: MessageName = "NetParameter"): string[] {
  return parse(text, type).all.map(({ message, hint, span }) => {
    const place = span && lineAndColumn(span.source, span.start);
    return `${place?.line}:${place?.column} ${message}${hint === undefined ? "" : ` → ${hint}`}`;
  });
}

describe("the text format", () => {
  it("takes both brackets, an optional colon before messages, and any separators", () => {
    const net = accepted(
      'name: "a", state { level: 1; };' +
        " layer < name: 'x' top: 'y' > layer: { relu_param: < negative_slope: 2, > },",
      "NetParameter",
    );
    expect(net).toEqual({
      name: "a",
      state: { level: 1 },
      layer: [{ name: "x", top: ["y"] }, { relu_param: { negative_slope: 2 } }],
    });
  });

  it("takes of a float what float32 holds, in the fewest digits", () => {
    const { eps } = accepted("eps: 0.1000000001", "BatchNormParameter");
    expect(eps).toBe(0.1);
    expect(accepted("value: 1e39", "FillerParameter").value).toBe(Number.POSITIVE_INFINITY);
  });

  it("puts adjacent strings together and reads every escape", () => {
    const layer = accepted(
      `name: "a" 'b'
        "c"  # between
        '\\'"'
      top: "\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\'\\"" top: "\\101\\x42\\x4\\103" top: "\\303\\251 \\u00e9 \\U0001F600 é"`,
      "LayerParameter",
    );
    expect(layer.name).toBe("abc'\"");
    expect(layer.top).toEqual(["\x07\b\f\n\r\t\v\\?'\"", "AB\x04C", "é é 😀 é"]);
    expect(accepted('data: "\\7\\78\\1011"', "Datum").data).toEqual(Uint8Array.of(7, 7, 0x38, 0x41, 0x31));
    expect(accepted('data: "\\377\\000é"', "Datum").data).toEqual(Uint8Array.of(255, 0, 0xc3, 0xa9));
  });

  it("reads octal, hexadecimal, decimal and special numbers", () => {
    const conv = accepted(
      "num_output: 0x1F kernel_size: 017 stride: [1, 0X2] pad: [] axis: - 3",
      "ConvolutionParameter",
    );
    expect(conv).toEqual({ num_output: 31, kernel_size: [15], stride: [1, 2], axis: -3 });
    expect(has(conv, "pad")).toBe(false);
    const transform = accepted(
      "mean_value: [1f, 2.5F, .5, 3., 1e3, 1.5e-3f, inf, -inf, Infinity, nan, -0]",
      "TransformationParameter",
    );
    expect(transform.mean_value).toEqual([
      1,
      2.5,
      0.5,
      3,
      1000,
      0.0015,
      Infinity,
      -Infinity,
      Infinity,
      Number.NaN,
      -0,
    ]);
    expect(accepted("random_seed: -9223372036854775808", "SolverParameter").random_seed).toBe(-(2 ** 63));
  });

  it("reads booleans and enums in every spelling", () => {
    const words = ["true", "True", "t", "1", "0x1", "false", "False", "f", "0"];
    const layer = accepted(`propagate_down: [${words.join(", ")}] phase: 1`, "LayerParameter");
    expect(layer.propagate_down).toEqual([true, true, true, true, true, false, false, false, false]);
    expect(layer.phase).toBe("TEST");
    expect(accepted("pool: AVE", "PoolingParameter").pool).toBe("AVE");
  });

  it("reads lists of messages, and lists in several parts", () => {
    const layer = accepted(
      "include: [{ phase: TRAIN }, < min_level: 1 >] include { stage: 'a' } loss_weight: 1 loss_weight: [2, 3]",
      "LayerParameter",
    );
    expect(layer.include).toEqual([{ phase: "TRAIN" }, { min_level: 1 }, { stage: ["a"] }]);
    expect(layer.loss_weight).toEqual([1, 2, 3]);
  });

  it("passes over comments and reads nothing as nothing", () => {
    expect(accepted("# only a comment", "NetParameter")).toEqual({});
    expect(accepted("\n\t\v\f\r\n", "NetParameter")).toEqual({});
    expect(accepted('name: "a#b" # c\n#d', "NetParameter")).toEqual({ name: "a#b" });
  });

  it("gives the same message as the binary form", () => {
    const net = accepted(
      'name: "n" layer { name: "a" type: "X" blobs { shape { dim: 2 } data: [0.1, 2] double_data: 3 } param { lr_mult: .1 } }',
      "NetParameter",
    );
    expect(net.layer[0]!.blobs[0]!.data).toEqual(Float32Array.of(0.1, 2));
    expect(decodeMessage("NetParameter", encodeMessage("NetParameter", net))).toEqual(net);
  });
});

describe("places", () => {
  const text = 'name: "n"\nlayer {\n  top: "a" top: ["b",\n "c"]\n  relu_param { negative_slope: 0.5 }\n}\n';
  const net = accepted(text, "NetParameter");
  const layer = net.layer[0]!;
  const shown = (message: object, field?: string, index?: number) => {
    const span = spanOf(message, field, index);
    return span && text.slice(span.start, span.end);
  };

  it("are known of each value, also in lists", () => {
    expect(shown(net, "name")).toBe('"n"');
    expect([0, 1, 2, 3].map((i) => shown(layer, "top", i))).toEqual(['"a"', '"b"', '"c"', undefined]);
    expect(shown(layer.relu_param!, "negative_slope")).toBe("0.5");
    expect(shown(layer, "bottom")).toBeUndefined();
  });

  it("are known of each name and of each message", () => {
    const name = nameSpanOf(layer, "top", 2)!;
    expect(lineAndColumn(name.source, name.start)).toEqual({ line: 3, column: 12 });
    expect(shown(layer.relu_param!)).toBe("relu_param { negative_slope: 0.5 }");
    expect(shown(layer)).toBe(text.slice(text.indexOf("layer"), -1));
  });
});

describe("mistakes", () => {
  it("in names are explained by near names, and by the layer they stand in, wherever its name stands", () => {
    expect(mistakes('layer { convolution_param { kernal_size: 3 } name: "c" type: "Convolution" }')).toEqual([
      '1:29 layer "c" (Convolution), convolution_param: unknown field "kernal_size" → did you mean "kernel_size"?',
    ]);
    expect(mistakes('layers { layer { name: "old" type: "conv" kernelsise: 3 } }')).toEqual([
      '1:43 layer "old" (conv): unknown field "kernelsise" → did you mean "kernelsize"?',
    ]);
    expect(mistakes('layer { name: "p" num_output: 3 }')).toEqual([
      '1:19 layer "p": unknown field "num_output" → num_output is a field of convolution_param, inner_product_param, ' +
        'embed_param or recurrent_param: it goes inside, or a "}" before it is too much',
    ]);
  });

  it("in unknown fields of any form do not hide what follows", () => {
    const unknown = [
      "foo: 1",
      'foo: "a" "b"',
      "foo: -3",
      "foo { a: 1 b { } }",
      "foo: < a: [1] >",
      "foo: [1, { }]",
    ];
    for (const field of unknown)
      expect(mistakes(`layer { name: "x" ${field} top: 5 }`)).toEqual([
        '1:19 layer "x": unknown field "foo" → BVLC Caffe 1.0 has no such field: the file may be for a fork of it',
        `1:${25 + field.length} layer "x": top takes a string in quotes, not "5"`,
      ]);
  });

  it("in values say what the field takes", () => {
    expect(mistakes('layer { pooling_param { pool: AVG stride: -1 kernel_size: 1.5 pad: "1" } }')).toEqual([
      '1:31 layer without a name, pooling_param: unknown value "AVG" for pool → did you mean AVE?',
      "1:43 layer without a name, pooling_param: stride takes a whole number from 0 to 4294967295, not -1",
      '1:59 layer without a name, pooling_param: kernel_size takes a whole number that is not negative, not "1.5"',
      '1:68 layer without a name, pooling_param: pad takes a whole number that is not negative, not the string "1"',
    ]);
    expect(
      mistakes(
        'solver_mode: "GPU" max_iter: 2147483648 display: 0x80000000 base_lr: 0x10 type: SGD',
        "SolverParameter",
      ),
    ).toEqual([
      '1:14 solver_mode takes one of CPU or GPU, without quotes, not the string "GPU" → write solver_mode: GPU',
      "1:30 max_iter takes a whole number from -2147483648 to 2147483647, not 2147483648",
      "1:50 display takes a whole number from -2147483648 to 2147483647, not 0x80000000",
      '1:70 base_lr takes a decimal number, not the octal or hexadecimal "0x10"',
      '1:81 type takes a string in quotes, not "SGD" → write it in quotes: "SGD"',
    ]);
    expect(mistakes('layer { type: CONVOLUTION } layers { type: "ReLU" }')).toEqual([
      '1:15 layer without a name: type takes a string in quotes, not "CONVOLUTION" → write it in quotes: "CONVOLUTION"',
      '1:44 layer without a name: type takes a word, without quotes, not the string "ReLU" → ' +
        "a type in quotes belongs to the current format: write layer { … } and not layers { … }",
    ]);
    expect(mistakes("propagate_down: 2 phase: 7 clip_param { max: 1 }", "LayerParameter")).toEqual([
      '1:17 propagate_down takes true or false, not "2"',
      "1:26 unknown value 7 for phase",
      "1:28 clip_param needs min",
    ]);
  });

  it("of absent values and colons do not swallow the next field", () => {
    expect(
      mistakes("num_output:\nkernel_size: 3 pad 1 stride group: 2 group: {x}", "ConvolutionParameter"),
    ).toEqual([
      "2:1 num_output has no value: it takes a whole number that is not negative",
      '2:20 expected ":" after pad, not "1" → pad takes a whole number that is not negative: write pad: …',
      '2:29 expected ":" after stride, not "group" → stride takes a whole number that is not negative: write stride: …',
      "2:38 group is given twice → it takes one value: remove one of the two",
      '2:45 group takes a whole number that is not negative, not "{"',
    ]);
  });

  it("of fields given twice point to the first", () => {
    const { all } = parse('name: "a"\nname: "b"\nstate { }\nstate { level: 1 }', "NetParameter");
    expect(all.map(({ message, related }) => [message, related?.[0]?.span?.start])).toEqual([
      ["name is given twice", 0],
      ["state is given twice", 20],
    ]);
  });
});

describe("mistakes of a text's form", () => {
  it("in braces say where the unclosed one opened", () => {
    const { all } = parse('layer {\n  name: "a"\n  relu_param {\n    negative_slope: 1\n}\n', "NetParameter");
    expect(all).toHaveLength(1);
    expect(all[0]!.message).toBe('layer "a": the file ends, but "}" is missing');
    expect(all[0]!.related).toMatchObject([
      { message: 'the "{" of layer is not closed', span: { start: 0, end: 7 } },
    ]);
    expect(mistakes('layer { name: "a" } } layer { relu_param < } }')).toEqual([
      '1:21 "}" closes nothing → is there a "}" too many, or is a "{" missing?',
      '1:44 layer without a name, relu_param: expected ">", not "}"',
    ]);
  });

  it("in braces are seen from the indentation, once", () => {
    const text = `layer {
  name: "a"
  convolution_param {
    num_output: 1
  top: "a"
}
layer {
  name: "b"
layer {
  name: "c"
}
`;
    expect(mistakes(text)).toEqual([
      '5:3 layer "a", convolution_param: unknown field "top" → top is a field of layer: is a "}" missing before it?',
      '9:1 layer "b": unknown field "layer" → layer is a field of the net or solver itself: is a "}" missing before it?',
    ]);
    expect(parse(text, "NetParameter").message.layer.map(({ name, top }) => [name, top])).toEqual([
      ["a", ["a"]],
      ["b", []],
      ["c", []],
    ]);
  });

  it("in tokens are named where they stand", () => {
    expect(mistakes('name: "a\nforce_backward: yes\n$ % debug_info: true\n')).toEqual([
      '1:7 a string must end on the line where it starts → the closing " is missing',
      '2:17 force_backward takes true or false, not "yes"',
      '3:1 expected the name of a field, not "$"',
    ]);
    expect(mistakes("name: “a”")).toEqual([
      "1:7 a character that may stand only in strings and comments: U+201C → strings are quoted with \" or '",
    ]);
    expect(mistakes('input_dim: 08 input_dim: 0x input_dim: 12abc input: "\\q" input: "C:\\data"')).toEqual([
      "1:12 a number that starts with 0 must be octal",
      '1:26 "0x" must be followed by hexadecimal digits',
      '1:42 "12abc" is not a number → a number must be followed by a space',
      '1:54 a backslash that starts no known escape → write \\\\ for a backslash; in a path of Windows "/" serves as well',
      '1:68 a backslash that starts no known escape → write \\\\ for a backslash; in a path of Windows "/" serves as well',
    ]);
    expect(mistakes('<<<<<<< HEAD\nname: "a"\n=======\nname: "b"\n>>>>>>> other\n')).toHaveLength(4);
  });

  it("in hostile names stay in one line", () => {
    const name = "a\\n`$".concat("{1}`*/");
    expect(mistakes(`layer { name: "${name}" __proto__: 1 }`)).toEqual([
      `1:29 layer "${name}": unknown field "__proto__" → BVLC Caffe 1.0 has no such field: the file may be for a fork of it`,
    ]);
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });

  it("beyond a thousand are not listed", () => {
    const { all } = parse("foo: 1\n".repeat(5000), "NetParameter");
    expect(all).toHaveLength(1001);
    expect(all.at(-1)!.message).toBe("more than 1000 mistakes: the rest of the text was not read");
  });
});

describe("odd white space", () => {
  it("is taken as white space, with one warning for all of it", () => {
    const { message, all } = parse(
      '\ufeffname:\u00a0"a\u00a0b"\n\u00a0\u00a0force_backward: true',
      "NetParameter",
    );
    expect(message).toEqual({ name: "a\u00a0b", force_backward: true });
    expect(all).toMatchObject([{ severity: "warning", span: { start: 0, end: 1 } }]);
    expect(all[0]!.message).toMatch(/^4 characters \(the first is U\+FEFF\)/);
  });

  it.runIf(hasOracle())("in a net from a web page: read, and its missing brace explained", () => {
    const text = readFileSync(oraclePath("nets/caffenet-saliency/as-posted.prototxt"), "utf8");
    const { all } = parse(text, "NetParameter");
    expect(all.map(({ severity }) => severity)).toEqual(["warning", "error"]);
    const error = all[1]!;
    expect(error.message).toBe('layer "fc8" (InnerProduct): the file ends, but "}" is missing');
    const opened = error.related![0]!.span!;
    const line = text.split("\n").findLastIndex((found) => found.startsWith("layer")) + 1;
    expect(lineAndColumn(opened.source, opened.start)).toEqual({ line, column: 1 });
    const closed = parse(`${text}}`, "NetParameter");
    expect(closed.all.map(({ severity }) => severity)).toEqual(["warning"]);
    const sound = readFileSync(oraclePath("nets/caffenet-saliency/net.prototxt"), "utf8");
    expect(closed.message.layer.at(-1)).toEqual(accepted(sound, "NetParameter").layer.at(-1));
  });
});
