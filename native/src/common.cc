#include "common.h"

#include <dlfcn.h>

#include <cmath>

namespace cortado {

Library::Library(const std::string& path, const char* kind)
    : path_(path), kind_(kind), handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) throw std::runtime_error("opening " + kind_ + " failed: " + dlerror());
}

Library::Symbol Library::optional(const char* symbol) const { return {dlsym(handle_, symbol)}; }

Library::Symbol Library::operator[](const char* symbol) const {
  const Symbol found = optional(symbol);
  if (found.address != nullptr) return found;
  throw std::runtime_error("opening " + kind_ + " failed: " + path_ + " has no symbol " + symbol +
                           "; it is another library, or a version that Cortado does not know");
}

void Environment::attach(Napi::Env env) {
  auto environment = std::make_shared<Environment>();
  env.SetInstanceData(new std::shared_ptr<Environment>(environment));
  // Runs when the thread of JavaScript ends, after its running work and before its handles are finalised.
  env.AddCleanupHook([environment] {
    for (Box* box : environment->boxes) (*box)->close();
  });
}

Napi::Value Environment::wrap(Napi::Env env, Box resource) {
  auto environment = *env.GetInstanceData<std::shared_ptr<Environment>>();
  auto box = std::make_unique<Box>(std::move(resource));
  // The finaliser keeps the set alive: at the end of an environment the order of finalisers is not ours.
  auto handle = Napi::External<Box>::New(env, box.get(), [environment](Napi::Env, Box* dead) {
    environment->boxes.erase(dead);
    delete dead;
  });
  environment->boxes.insert(box.release());
  return handle;
}

Environment::Box Environment::unwrap(const Napi::Value& value) {
  if (!value.IsExternal()) return nullptr;
  auto* box = value.As<Napi::External<Box>>().Data();
  // An External of another addon is told by its pointer, which is not read before it is known.
  const auto& boxes = (*value.Env().GetInstanceData<std::shared_ptr<Environment>>())->boxes;
  return boxes.count(box) == 0 ? nullptr : *box;
}

WrongArgument Given::wrong(const std::string& wanted) const {
  static const char* const kinds[] = {"undefined", "null",     "a boolean",      "a number", "a string", "a symbol",
                                      "an object", "a function", "another handle", "a bigint"};  // by napi_valuetype
  const auto type = value.Type();
  return WrongArgument(name + " must be " + wanted + ", not " +
                       (type == napi_number ? value.ToString().Utf8Value() : kinds[type]));
}

std::string Given::text() const {
  if (!value.IsString()) throw wrong("a string");
  return value.As<Napi::String>();
}

uint64_t Given::whole(uint64_t least, uint64_t most) const {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
  // Both comparisons are false for a NaN.
  if (number >= static_cast<double>(least) && number <= static_cast<double>(most) && std::floor(number) == number)
    return static_cast<uint64_t>(number);
  throw wrong("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

uint64_t Given::address() const {
  bool lossless = false;
  const uint64_t bits = value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  if (!lossless) throw wrong("an address (a bigint from 0 to 2^64 - 1)");
  return bits;
}

View Given::array(napi_typedarray_type type, const char* called) const {
  napi_typedarray_type found;
  size_t elements = 0;
  void* data = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(value.Env(), value, &found, &elements, &data, nullptr, nullptr) != napi_ok ||
      found != type)
    throw wrong(called);
  return {data, elements};
}

std::vector<Given> Given::list() const {
  if (!value.IsArray()) throw wrong("an array");
  const auto array = value.As<Napi::Array>();
  std::vector<Given> items;
  for (uint32_t i = 0; i < array.Length(); i++) items.push_back({array.Get(i), name + "[" + std::to_string(i) + "]"});
  return items;
}

Given Given::field(const char* field) const {
  if (!value.IsObject()) throw wrong("an object");
  return {value.As<Napi::Object>().Get(field), name + "." + field};
}

Napi::Value numbers(Napi::Env env, const std::vector<double>& values) {
  auto list = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) list.Set(i, values[i]);
  return list;
}

Napi::Value milliseconds(Napi::Env env, const std::vector<double>& values) {
  auto array = Napi::Float64Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

namespace {

class Work : public Napi::AsyncWorker {
 public:
  using Result = std::function<Napi::Value(Napi::Env)>;
  Work(Napi::Env env, std::function<void()> run, Result result)
      : AsyncWorker(env, "cortado"), run_(std::move(run)), result_(std::move(result)), deferred_(env) {}
  Napi::Value promise() const { return deferred_.Promise(); }

 private:
  void Execute() override { run_(); }
  // A thread that ends (worker.terminate()) still gets the completion of its work but can run no JavaScript any more:
  // then settling fails, and there is nobody to tell.
  void OnOK() override {
    try {
      deferred_.Resolve(result_(Env()));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

  const std::function<void()> run_;
  const Result result_;
  const Napi::Promise::Deferred deferred_;
};

}  // namespace

Napi::Value promise(Napi::Env env, std::function<void()> run, std::function<Napi::Value(Napi::Env)> result) {
  auto* work = new Work(env, std::move(run), std::move(result));  // deletes itself when it is done
  const Napi::Value promised = work->promise();
  work->Queue();
  return promised;
}

}  // namespace cortado
