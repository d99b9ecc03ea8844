// Host modules: kernels compiled for the processor, behind the one function `cortado_run`.
#include <dlfcn.h>

#include <chrono>
#include <map>
#include <mutex>
#include <set>

#include "common.h"

namespace cortado {
namespace {

// The interface of a host module (native/emulator/).
struct Argument {
  void* data;
  uint64_t elements;
};
using Run = const char* (*)(uint32_t kernel, const Argument* args, uint32_t count, uint32_t blocks, uint32_t threads);

// A host module runs one launch at a time, in all threads of the process that have opened it: its shared memory and what
// it reports are its own globals. The same file opened twice is one library with one lock.
std::shared_ptr<std::mutex> lockOf(void* library) {
  static std::mutex guard;
  static auto& locks = *new std::map<void*, std::weak_ptr<std::mutex>>;  // outlives every thread
  const std::lock_guard<std::mutex> guarded(guard);
  auto lock = locks[library].lock();
  if (lock == nullptr) locks[library] = lock = std::make_shared<std::mutex>();
  return lock;
}

struct Loaded {
  void* const library;
  Run run = nullptr;
  std::shared_ptr<std::mutex> lock;

  explicit Loaded(const std::string& path) : library(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library == nullptr) throw std::runtime_error(std::string("opening a host module failed: ") + dlerror());
    run = reinterpret_cast<Run>(dlsym(library, "cortado_run"));
    lock = lockOf(library);
  }
  ~Loaded() { dlclose(library); }
};

struct HostModule : Resource {
  std::shared_ptr<Loaded> loaded;  // null when closed; a run under way keeps its own
  void close() override { loaded = nullptr; }
  std::shared_ptr<Loaded> require() const {
    if (loaded == nullptr) throw std::runtime_error("the host module is closed");
    return loaded;
  }
};

View memoryOf(const Given& given) {
  const bool ints = given.value.IsTypedArray() &&
                    given.value.As<Napi::TypedArray>().TypedArrayType() == napi_int32_array;
  return given.array(ints ? napi_int32_array : napi_float32_array, "a Float32Array or an Int32Array");
}

struct HostLaunch {
  uint32_t kernel, blocks, threads;
  std::vector<Argument> args;
};

struct HostPlan : Resource {
  std::shared_ptr<HostModule> module;
  std::vector<HostLaunch> launches;
  Napi::Reference<Napi::Array> arrays;  // each typed array once, and
  std::vector<View> bound;              // the memory that it had
};

Napi::Value hostOpen(const Arguments& args) {
  const auto module = std::make_shared<HostModule>();
  const std::string path = args(0, "path").text();
  module->loaded = std::make_shared<Loaded>(path);
  if (module->loaded->run == nullptr)
    throw std::runtime_error("opening a host module failed: " + path + " has no symbol cortado_run");
  return Environment::wrap(args.env, module);
}

Napi::Value hostPlan(const Arguments& args) {
  const auto plan = std::make_shared<HostPlan>();
  plan->module = args(0, "module").handle<HostModule>("host module");
  auto arrays = Napi::Array::New(args.env);
  std::set<std::pair<const void*, size_t>> seen;
  for (const Given& given : args(1, "launches").list()) {
    HostLaunch launch;
    launch.kernel = static_cast<uint32_t>(given.field("kernel").whole(0, kInt32));
    launch.blocks = static_cast<uint32_t>(given.field("blocks").whole(1, kInt32));
    launch.threads = static_cast<uint32_t>(given.field("threads").whole(1, 1024));
    for (const Given& array : given.field("args").list()) {
      const View view = memoryOf(array);
      launch.args.push_back({const_cast<void*>(view.data), view.elements});
      if (!seen.emplace(view.data, view.elements).second) continue;
      arrays.Set(static_cast<uint32_t>(plan->bound.size()), array.value);
      plan->bound.push_back(view);
    }
    plan->launches.push_back(std::move(launch));
  }
  plan->module->require();
  plan->arrays = Napi::Persistent(arrays);
  return Environment::wrap(args.env, plan);
}

Napi::Value hostRun(const Arguments& args) {
  const auto plan = args(0, "plan").handle<HostPlan>("host plan");
  const auto loaded = plan->module->require();
  for (uint32_t i = 0; i < plan->bound.size(); i++) {
    const View now = memoryOf({plan->arrays.Value().Get(i), "an array"});
    if (now.data != plan->bound[i].data || now.elements != plan->bound[i].elements)
      throw std::runtime_error("running a plan failed: an array that it is bound to was detached or resized");
  }
  struct Outcome {
    std::vector<double> times;
    std::string fault;
  };
  const auto outcome = std::make_shared<Outcome>();
  return promise(
      args.env,
      [plan, loaded, outcome] {
        using Clock = std::chrono::steady_clock;
        const std::lock_guard<std::mutex> alone(*loaded->lock);
        for (const auto& [kernel, blocks, threads, given] : plan->launches) {
          const auto start = Clock::now();
          const char* fault = loaded->run(kernel, given.data(), static_cast<uint32_t>(given.size()), blocks, threads);
          if (fault != nullptr) return void(outcome->fault = fault);  // its own copy, while we are alone
          outcome->times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
        }
      },
      [plan, outcome](Napi::Env env) {
        if (outcome->times.size() == plan->launches.size()) return milliseconds(env, outcome->times);
        const Napi::Error error = Napi::Error::New(env, outcome->fault);
        error.Value().Set("launch", static_cast<double>(outcome->times.size()));
        throw error;
      });
}

void hostClose(const Arguments& args) { args(0, "module").handle<HostModule>("host module")->close(); }

}  // namespace

void defineHost(Napi::Object exports) {
  define<hostOpen>(exports, "hostOpen");
  define<hostPlan>(exports, "hostPlan");
  define<hostRun>(exports, "hostRun");
  define<hostClose>(exports, "hostClose");
}

}  // namespace cortado
