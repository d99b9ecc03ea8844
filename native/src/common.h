// What all parts share: libraries, things that JavaScript holds, arguments, errors, work off the event loop.
#pragma once
#include <napi.h>  // also <functional>, <memory>, <string>, <vector>

#include <algorithm>
#include <cmath>
#include <stdexcept>

// What failed and why; like any other std::exception it becomes an Error of JavaScript.
struct Failure : std::runtime_error {
  Failure(const std::string& what, const std::string& why) : std::runtime_error(what + " failed: " + why) {}
};

// A shared library opened at run time. Most are never unloaded: NVRTC and the driver keep threads and exit handlers
// whose code must stay.
struct Library {
  const std::string path, opening;
  const bool unloads;
  void* const handle;
  Library(const std::string& path, const std::string& kind, bool unloads = false);
  Library(const Library&) = delete;
  ~Library();
  void* find(const char* symbol, bool optional) const;
  // A function by its symbol; where the library lacks it, null if it is optional, else an error that names it.
  template <class Function>
  Function* function(const char* symbol, bool optional = false) const {
    return reinterpret_cast<Function*>(find(symbol, optional));
  }
};

// A member `name` that points to a function of the member `library`, whose symbol is the name and `version`.
#define CALL(name, version, ...) \
  int (*const name)(__VA_ARGS__) = library.function<int(__VA_ARGS__)>(#name #version)

// A thing that JavaScript holds by a handle: an object that wraps it. It goes when the handle has been collected, or
// the handle's thread of JavaScript has ended, and nothing else needs it.
struct Resource {
  virtual ~Resource() = default;
  virtual void close() {}  // frees what it has already; may be called more than once
};
Napi::Value wrap(Napi::Env env, std::shared_ptr<Resource> resource);
std::shared_ptr<Resource> unwrap(const Napi::Value& value);  // null when it is no handle

constexpr uint64_t kSafeInteger = (1ull << 53) - 1, kInt32 = (1ull << 31) - 1;

struct View {
  void* data;
  size_t elements;
};

// A value that JavaScript gave, and what messages call it ("items[3].blocks"). The readers throw a TypeError.
struct Given {
  Napi::Value value;
  std::string name;
  Napi::TypeError wrong(const std::string& wanted) const {
    static const char* const kinds[] = {"undefined", "null",      "a boolean",  "a number",          "a string",
                                        "a symbol",  "an object", "a function", "an external value", "a bigint"};
    const auto type = value.Type();
    std::string found = type == napi_number ? value.ToString().Utf8Value() : kinds[type];
    if (unwrap(value)) found = "another handle";
    return Napi::TypeError::New(value.Env(), name + " must be " + wanted + ", not " + found);
  }
  std::string text() const {
    if (!value.IsString()) throw wrong("a string");
    return value.As<Napi::String>();
  }
  uint64_t whole(uint64_t least, uint64_t most) const {
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
    // Both comparisons are false for a NaN.
    if (number >= static_cast<double>(least) && number <= static_cast<double>(most) && std::floor(number) == number)
      return static_cast<uint64_t>(number);
    throw wrong("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  uint64_t address() const {
    bool lossless = false;
    const uint64_t bits = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
    if (!lossless) throw wrong("an address (a bigint from 0 to 2^64 - 1)");
    return bits;
  }
  // A typed array of one of the types; may be backed by a SharedArrayBuffer.
  View array(std::initializer_list<napi_typedarray_type> types, const char* called) const {
    napi_typedarray_type type;
    View view{};
    if (value.IsTypedArray() && napi_get_typedarray_info(value.Env(), value, &type, &view.elements, &view.data, nullptr,
                                                         nullptr) == napi_ok)
      if (std::find(types.begin(), types.end(), type) != types.end()) return view;
    throw wrong(called);
  }
  std::vector<Given> list() const {
    if (!value.IsArray()) throw wrong("an array");
    const auto array = value.As<Napi::Array>();
    std::vector<Given> items;
    for (uint32_t i = 0; i < array.Length(); i++) items.push_back({array.Get(i), name + "[" + std::to_string(i) + "]"});
    return items;
  }
  Given field(const char* field) const {
    if (!value.IsObject()) throw wrong("an object");
    return {value.As<Napi::Object>().Get(field), name + "." + field};
  }
  template <class T>
  std::shared_ptr<T> handle(const char* called) const {
    if (auto found = std::dynamic_pointer_cast<T>(unwrap(value))) return found;
    throw wrong(std::string("a ") + called + " of this thread");
  }
};

struct Arguments {
  const Napi::CallbackInfo& info;
  const Napi::Env env = info.Env();
  Given operator()(size_t index, const char* name) const { return {info[index], name}; }
};

// Opens a resource by the path that is the first argument; closes that of the first argument.
template <class T>
Napi::Value open(const Arguments& args) {
  return wrap(args.env, std::make_shared<T>(args(0, "path").text()));
}
template <class T>
Napi::Value close(const Arguments& args, const char* name, const char* called) {
  args(0, name).handle<T>(called)->close();
  return args.env.Undefined();
}

// A promise of `result`, which is called on the JavaScript thread after `run` on a thread of libuv's pool; what either
// throws rejects it. What both capture is released on the JavaScript thread, also when the environment ends first.
Napi::Value promise(Napi::Env env, std::function<void()> run, std::function<Napi::Value(Napi::Env)> result);

inline Napi::Value numbers(Napi::Env env, const std::vector<double>& values) {
  auto list = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) list.Set(i, values[i]);
  return list;
}

template <class T, class Values>
Napi::Value typedArray(Napi::Env env, const Values& values) {
  auto array = Napi::TypedArrayOf<T>::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// What the addon exports (addon.ts says what each does), each defined in the file of its subject.
#define CORTADO_EXPORTS(X)                                                                                     \
  X(nvrtcOpen) X(nvrtcVersion) X(nvrtcArchitectures) X(nvrtcCompile)                                           \
  X(cudaOpen) X(cudaDriverVersion) X(cudaDevices) X(contextOpen) X(contextMemory) X(contextClose)              \
  X(allocate) X(free) X(moduleLoad) X(copyIn) X(copyOut) X(synchronize)                                        \
  X(graphBuild) X(graphLaunch) X(graphClose) X(profile) X(hostOpen) X(hostPlan) X(hostRun) X(hostClose) \
  X(nativeOpen) X(nativePlan) X(nativeRun) X(nativeRunHere) X(nativeClose) X(processor) X(addressOf) X(hugePages)
#define CORTADO_DECLARE(name) Napi::Value name(const Arguments& args);
CORTADO_EXPORTS(CORTADO_DECLARE)
