// The entry of the addon, and what common.h declares. It is loaded once per environment (the main thread and every
// worker thread that asks for it) and has no state but what the handles of each hold.
#include <dlfcn.h>

#include "common.h"

#if defined(__GLIBC__) && defined(__x86_64__)
// Keeps the binary usable with a C library older than the one it was built with: the functions by the versions that
// they had before glibc 2.34, and the C++ library's "only one thread so far" (glibc 2.32), never so in Node.
__asm__(".symver dlopen,dlopen@GLIBC_2.2.5\n.symver dlsym,dlsym@GLIBC_2.2.5");
__asm__(".symver dlclose,dlclose@GLIBC_2.2.5\n.symver dlerror,dlerror@GLIBC_2.2.5");
extern "C" { char __libc_single_threaded = 0; }
#endif

Library::Library(const std::string& file, const std::string& kind, bool unloaded)
    : path(file), opening("opening " + kind), unloads(unloaded), handle(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle == nullptr) throw Failure(opening, dlerror());
}

Library::~Library() {
  if (unloads) dlclose(handle);
}

void* Library::find(const char* symbol, bool optional) const {
  void* const found = dlsym(handle, symbol);
  if (found != nullptr || optional) return found;
  throw Failure(opening, path + " has no symbol " + symbol +
                             "; it is another library, or a version that Cortado does not know");
}

using Box = std::shared_ptr<Resource>;
constexpr napi_type_tag kHandle = {0x9c1f60e4a2d84b17, 0xb36b0c5d7e91f428};  // tells our objects from all others

Napi::Value wrap(Napi::Env env, Box resource) {
  auto handle = Napi::Object::New(env);
  auto box = std::make_unique<Box>(std::move(resource));
  const auto remove = [](napi_env, void* dead, void*) { delete static_cast<Box*>(dead); };
  if (napi_wrap(env, handle, box.get(), remove, nullptr, nullptr) != napi_ok) throw Napi::Error::New(env);
  box.release();
  handle.TypeTag(&kHandle);
  return handle;
}

Box unwrap(const Napi::Value& value) {
  void* box = nullptr;
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kHandle)) return nullptr;
  return napi_unwrap(value.Env(), value, &box) == napi_ok ? *static_cast<Box*>(box) : nullptr;
}

Napi::Value promise(Napi::Env env, std::function<void()> run, std::function<Napi::Value(Napi::Env)> result) {
  struct Work : Napi::AsyncWorker {
    std::function<void()> run;
    std::function<Napi::Value(Napi::Env)> result;
    const Napi::Promise::Deferred deferred{Env()};
    explicit Work(Napi::Env env) : AsyncWorker(env, "cortado") {}
    void Execute() override { run(); }
    // A thread that ends (worker.terminate()) still gets the completion of its work but can run no JavaScript any more:
    // then settling fails, and there is nobody to tell.
    void OnOK() override {
      try {
        deferred.Resolve(result(Env()));
      } catch (const Napi::Error& error) {
        deferred.Reject(error.Value());
      }
    }
    void OnError(const Napi::Error& error) override { deferred.Reject(error.Value()); }
  };
  auto* work = new Work(env);  // deletes itself when it is done
  work->run = std::move(run);
  work->result = std::move(result);
  const Napi::Value promised = work->deferred.Promise();
  work->Queue();
  return promised;
}

// The one place where a C++ exception becomes a JavaScript one.
template <Napi::Value (*function)(const Arguments&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return function(Arguments{info});
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
#define CORTADO_EXPORT(name) exports.Set(#name, Napi::Function::New<guarded<name>>(env, #name));
  CORTADO_EXPORTS(CORTADO_EXPORT)
  return exports;
}
NODE_API_MODULE(cortado, init)
