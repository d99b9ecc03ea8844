// Generated from proto/onnx.proto by proto/generate.ts. Do not edit: change the schema and run
// `npm run generate`.

export type AttributeProto_AttributeType = "UNDEFINED" | "FLOAT" | "INT" | "STRING" | "TENSOR" | "FLOATS" | "INTS" | "STRINGS";

export type TensorProto_DataType = "UNDEFINED_TYPE" | "FLOAT" | "UINT8" | "INT8" | "INT32" | "INT64" | "BOOL" | "FLOAT16";

export type TensorProto_DataLocation = "DEFAULT" | "EXTERNAL";

/** A file. */
export interface ModelProto {
  /** The version of the format, not of the operators. */
  readonly ir_version: number;
  readonly producer_name: string;
  readonly producer_version: string;
  readonly domain: string;
  readonly model_version: number;
  readonly doc_string: string;
  readonly graph: GraphProto | undefined;
  readonly opset_import: readonly OperatorSetIdProto[];
  readonly metadata_props: readonly StringStringEntryProto[];
}

/** The version of a domain's operators that a model is written for. */
export interface OperatorSetIdProto {
  readonly domain: string;
  readonly version: number;
}

export interface StringStringEntryProto {
  readonly key: string;
  readonly value: string;
}

/** Nodes in an order in which each comes after what it reads. Values are known by their names. */
export interface GraphProto {
  readonly node: readonly NodeProto[];
  readonly name: string;
  readonly initializer: readonly TensorProto[];
  readonly doc_string: string;
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
  /** Of values between inputs and outputs. */
  readonly value_info: readonly ValueInfoProto[];
}

/** An operator applied to values. An input that is not given is an empty name. */
export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly op_type: string;
  readonly attribute: readonly AttributeProto[];
  readonly doc_string: string;
  /** Empty for ONNX's own operators. */
  readonly domain: string;
}

/** A constant of a node; `type` says which field holds it. */
export interface AttributeProto {
  readonly name: string;
  readonly f: number;
  readonly i: number;
  readonly s: Uint8Array;
  readonly t: TensorProto | undefined;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings: readonly Uint8Array[];
  readonly doc_string: string;
  readonly type: AttributeProto_AttributeType;
}

/** An array with its elements, in row-major order and little-endian: here, or in a file beside the model. */
export interface TensorProto {
  readonly dims: readonly number[];
  readonly data_type: TensorProto_DataType;
  readonly name: string;
  readonly raw_data: Uint8Array;
  readonly doc_string: string;
  /** `location` (the file's name), `offset` and `length` in bytes. */
  readonly external_data: readonly StringStringEntryProto[];
  readonly data_location: TensorProto_DataLocation;
}

/** What is known of a value before it is computed. */
export interface ValueInfoProto {
  readonly name: string;
  readonly type: TypeProto | undefined;
  readonly doc_string: string;
}

export interface TypeProto {
  readonly tensor_type: Tensor | undefined;
}

export interface Tensor {
  readonly elem_type: TensorProto_DataType;
  readonly shape: TensorShapeProto | undefined;
}

export interface TensorShapeProto {
  readonly dim: readonly Dimension[];
}

/** A number, or a name for one that is known when the model runs. */
export interface Dimension {
  readonly dim_value: number;
  readonly dim_param: string;
}

/** Every message by its name. */
export interface MessageTypes {
  readonly ModelProto: ModelProto;
  readonly OperatorSetIdProto: OperatorSetIdProto;
  readonly StringStringEntryProto: StringStringEntryProto;
  readonly GraphProto: GraphProto;
  readonly NodeProto: NodeProto;
  readonly AttributeProto: AttributeProto;
  readonly TensorProto: TensorProto;
  readonly ValueInfoProto: ValueInfoProto;
  readonly TypeProto: TypeProto;
  readonly Tensor: Tensor;
  readonly TensorShapeProto: TensorShapeProto;
  readonly Dimension: Dimension;
}

/** The schema, as protobufjs reads it with `Root.fromJSON`. */
export const descriptor = {
 "nested": {
  "onnx": {
   "nested": {
    "ModelProto": {
     "edition": "proto2",
     "fields": {
      "ir_version": {
       "type": "int64",
       "id": 1
      },
      "producer_name": {
       "type": "string",
       "id": 2
      },
      "producer_version": {
       "type": "string",
       "id": 3
      },
      "domain": {
       "type": "string",
       "id": 4
      },
      "model_version": {
       "type": "int64",
       "id": 5
      },
      "doc_string": {
       "type": "string",
       "id": 6
      },
      "graph": {
       "type": "GraphProto",
       "id": 7
      },
      "opset_import": {
       "rule": "repeated",
       "type": "OperatorSetIdProto",
       "id": 8
      },
      "metadata_props": {
       "rule": "repeated",
       "type": "StringStringEntryProto",
       "id": 14
      }
     }
    },
    "OperatorSetIdProto": {
     "edition": "proto2",
     "fields": {
      "domain": {
       "type": "string",
       "id": 1
      },
      "version": {
       "type": "int64",
       "id": 2
      }
     }
    },
    "StringStringEntryProto": {
     "edition": "proto2",
     "fields": {
      "key": {
       "type": "string",
       "id": 1
      },
      "value": {
       "type": "string",
       "id": 2
      }
     }
    },
    "GraphProto": {
     "edition": "proto2",
     "fields": {
      "node": {
       "rule": "repeated",
       "type": "NodeProto",
       "id": 1
      },
      "name": {
       "type": "string",
       "id": 2
      },
      "initializer": {
       "rule": "repeated",
       "type": "TensorProto",
       "id": 5
      },
      "doc_string": {
       "type": "string",
       "id": 10
      },
      "input": {
       "rule": "repeated",
       "type": "ValueInfoProto",
       "id": 11
      },
      "output": {
       "rule": "repeated",
       "type": "ValueInfoProto",
       "id": 12
      },
      "value_info": {
       "rule": "repeated",
       "type": "ValueInfoProto",
       "id": 13
      }
     }
    },
    "NodeProto": {
     "edition": "proto2",
     "fields": {
      "input": {
       "rule": "repeated",
       "type": "string",
       "id": 1
      },
      "output": {
       "rule": "repeated",
       "type": "string",
       "id": 2
      },
      "name": {
       "type": "string",
       "id": 3
      },
      "op_type": {
       "type": "string",
       "id": 4
      },
      "attribute": {
       "rule": "repeated",
       "type": "AttributeProto",
       "id": 5
      },
      "doc_string": {
       "type": "string",
       "id": 6
      },
      "domain": {
       "type": "string",
       "id": 7
      }
     }
    },
    "AttributeProto": {
     "edition": "proto2",
     "fields": {
      "name": {
       "type": "string",
       "id": 1
      },
      "f": {
       "type": "float",
       "id": 2
      },
      "i": {
       "type": "int64",
       "id": 3
      },
      "s": {
       "type": "bytes",
       "id": 4
      },
      "t": {
       "type": "TensorProto",
       "id": 5
      },
      "floats": {
       "rule": "repeated",
       "type": "float",
       "id": 7
      },
      "ints": {
       "rule": "repeated",
       "type": "int64",
       "id": 8
      },
      "strings": {
       "rule": "repeated",
       "type": "bytes",
       "id": 9
      },
      "doc_string": {
       "type": "string",
       "id": 13
      },
      "type": {
       "type": "AttributeType",
       "id": 20
      }
     },
     "nested": {
      "AttributeType": {
       "values": {
        "UNDEFINED": 0,
        "FLOAT": 1,
        "INT": 2,
        "STRING": 3,
        "TENSOR": 4,
        "FLOATS": 6,
        "INTS": 7,
        "STRINGS": 8
       }
      }
     }
    },
    "TensorProto": {
     "edition": "proto2",
     "fields": {
      "dims": {
       "rule": "repeated",
       "type": "int64",
       "id": 1
      },
      "data_type": {
       "type": "DataType",
       "id": 2
      },
      "name": {
       "type": "string",
       "id": 8
      },
      "raw_data": {
       "type": "bytes",
       "id": 9
      },
      "doc_string": {
       "type": "string",
       "id": 12
      },
      "external_data": {
       "rule": "repeated",
       "type": "StringStringEntryProto",
       "id": 13
      },
      "data_location": {
       "type": "DataLocation",
       "id": 14
      }
     },
     "nested": {
      "DataType": {
       "values": {
        "UNDEFINED_TYPE": 0,
        "FLOAT": 1,
        "UINT8": 2,
        "INT8": 3,
        "INT32": 6,
        "INT64": 7,
        "BOOL": 9,
        "FLOAT16": 10
       }
      },
      "DataLocation": {
       "values": {
        "DEFAULT": 0,
        "EXTERNAL": 1
       }
      }
     }
    },
    "ValueInfoProto": {
     "edition": "proto2",
     "fields": {
      "name": {
       "type": "string",
       "id": 1
      },
      "type": {
       "type": "TypeProto",
       "id": 2
      },
      "doc_string": {
       "type": "string",
       "id": 3
      }
     }
    },
    "TypeProto": {
     "edition": "proto2",
     "fields": {
      "tensor_type": {
       "type": "Tensor",
       "id": 1
      }
     },
     "nested": {
      "Tensor": {
       "fields": {
        "elem_type": {
         "type": "TensorProto.DataType",
         "id": 1
        },
        "shape": {
         "type": "TensorShapeProto",
         "id": 2
        }
       }
      }
     }
    },
    "TensorShapeProto": {
     "edition": "proto2",
     "fields": {
      "dim": {
       "rule": "repeated",
       "type": "Dimension",
       "id": 1
      }
     },
     "nested": {
      "Dimension": {
       "fields": {
        "dim_value": {
         "type": "int64",
         "id": 1
        },
        "dim_param": {
         "type": "string",
         "id": 2
        }
       }
      }
     }
    }
   }
  }
 }
};
