// What all parts of the addon share: libraries, things that JavaScript holds, arguments, errors, work off the event loop.
#pragma once
#include <napi.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <vector>

namespace cortado {

// A shared library opened at run time, never unloaded: NVRTC and the driver keep threads and exit handlers whose code
// must not go away under them. `library["name"]` becomes a pointer to the function, or throws an error that names it.
class Library {
 public:
  struct Symbol {
    void* address;
    template <class Function>
    operator Function*() const {
      return reinterpret_cast<Function*>(address);
    }
  };
  Library(const std::string& path, const char* kind);
  Symbol operator[](const char* symbol) const;
  Symbol optional(const char* symbol) const;  // null where the library lacks it

 private:
  const std::string path_, kind_;
  void* const handle_;
};

// A thing that JavaScript holds by a handle. `close` frees what it has and may be called more than once.
struct Resource {
  virtual ~Resource() = default;
  virtual void close() {}
};

// The resources that handles of one environment (a thread of JavaScript) hold; closed when it ends.
struct Environment {
  using Box = std::shared_ptr<Resource>;
  std::unordered_set<Box*> boxes;
  static void attach(Napi::Env env);
  static Napi::Value wrap(Napi::Env env, Box resource);
  static Box unwrap(const Napi::Value& value);  // null when it is no handle of this environment
};

// An argument of the wrong kind: a TypeError. Every other std::exception becomes an Error.
struct WrongArgument : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr uint64_t kSafeInteger = (1ull << 53) - 1, kInt32 = (1ull << 31) - 1;

struct View {
  const void* data;
  size_t elements;
};

// A value that JavaScript gave, and what messages call it ("items[3].blocks"). The readers throw WrongArgument.
struct Given {
  Napi::Value value;
  std::string name;

  std::string text() const;
  uint64_t whole(uint64_t least, uint64_t most) const;
  uint64_t address() const;
  View array(napi_typedarray_type type, const char* called) const;  // may be backed by a SharedArrayBuffer
  View bytes() const { return array(napi_uint8_array, "a Uint8Array"); }
  std::vector<Given> list() const;
  Given field(const char* field) const;
  WrongArgument wrong(const std::string& wanted) const;
  template <class T>
  std::shared_ptr<T> handle(const char* called) const {
    if (auto found = std::dynamic_pointer_cast<T>(Environment::unwrap(value))) return found;
    throw wrong(std::string("a ") + called + " of this thread");
  }
};

struct Arguments {
  const Napi::CallbackInfo& info;
  const Napi::Env env = info.Env();
  Given operator()(size_t index, const char* name) const { return {info[index], name}; }
};

// The one place where a C++ exception becomes a JavaScript one.
template <auto function>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    if constexpr (std::is_void_v<decltype(function(Arguments{info}))>)
      return function(Arguments{info}), info.Env().Undefined();
    else
      return function(Arguments{info});
  } catch (const Napi::Error&) {
    throw;
  } catch (const WrongArgument& error) {
    throw Napi::TypeError::New(info.Env(), error.what());
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

template <auto function>
void define(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(exports.Env(), name));
}

// A promise of `result`, which is called on the JavaScript thread after `run` on a thread of libuv's pool; what either
// throws rejects it. What both capture is released on the JavaScript thread, also when the environment ends first.
Napi::Value promise(Napi::Env env, std::function<void()> run, std::function<Napi::Value(Napi::Env)> result);

Napi::Value numbers(Napi::Env env, const std::vector<double>& values);       // an Array
Napi::Value milliseconds(Napi::Env env, const std::vector<double>& values);  // a Float64Array

void defineNvrtc(Napi::Object exports);
void defineCuda(Napi::Object exports);
void defineTransfers(Napi::Object exports);
void defineGraphs(Napi::Object exports);
void defineHost(Napi::Object exports);

}  // namespace cortado
