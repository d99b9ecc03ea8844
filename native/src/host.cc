// Host modules: kernels compiled for the processor, behind the one function `cortado_run` (native/emulator/).
#include <chrono>
#include <mutex>

#include "common.h"

// What it takes: memory as View has it (data, elements; both of 64 bits), and gives: null, or what it has to report.
static_assert(sizeof(View) == 16);
using Run = const char*(uint32_t kernel, const View* args, uint32_t count, uint32_t blocks, uint32_t threads);

struct Loaded {
  const Library library;
  Run* const run = library.function<Run>("cortado_run");
  explicit Loaded(const std::string& path) : library(path, "a host module", true) {}
  // A host module runs one launch at a time, in all threads of the process that have opened it: its shared memory and
  // what it reports are its own globals. The same file opened twice is one library; two may happen to share a lock.
  std::mutex& lock() const {
    static std::mutex locks[61];
    return locks[reinterpret_cast<uintptr_t>(run) / 4096 % 61];
  }
};

struct HostModule : Resource {
  std::shared_ptr<Loaded> loaded;  // null when closed; a run under way keeps its own
  explicit HostModule(const std::string& path) : loaded(std::make_shared<Loaded>(path)) {}
  void close() override { loaded = nullptr; }
  std::shared_ptr<Loaded> require() const {
    if (loaded == nullptr) throw std::runtime_error("the host module is closed");
    return loaded;
  }
};

struct HostLaunch {
  uint32_t kernel, blocks, threads;
  std::vector<View> args;
};

struct HostPlan : Resource {
  std::shared_ptr<HostModule> module;
  std::vector<HostLaunch> launches;
  Napi::Reference<Napi::Array> arrays;  // the typed arrays of all launches, one after the other
};

static View memoryOf(const Given& given) {
  return given.array({napi_float32_array, napi_int32_array}, "a Float32Array or an Int32Array");
}

Napi::Value hostOpen(const Arguments& args) { return open<HostModule>(args); }

Napi::Value hostPlan(const Arguments& args) {
  const auto plan = std::make_shared<HostPlan>();
  plan->module = args(0, "module").handle<HostModule>("host module");
  auto arrays = Napi::Array::New(args.env);
  for (const Given& given : args(1, "launches").list()) {
    const uint32_t kernel = given.field("kernel").whole(0, kInt32);
    const uint32_t blocks = given.field("blocks").whole(1, kInt32), threads = given.field("threads").whole(1, 1024);
    plan->launches.push_back({kernel, blocks, threads, {}});
    for (const Given& array : given.field("args").list()) {
      plan->launches.back().args.push_back(memoryOf(array));
      arrays.Set(arrays.Length(), array.value);
    }
  }
  plan->module->require();
  plan->arrays = Napi::Persistent(arrays);
  return wrap(args.env, plan);
}

Napi::Value hostRun(const Arguments& args) {
  const auto plan = args(0, "plan").handle<HostPlan>("host plan");
  const auto loaded = plan->module->require();
  uint32_t index = 0;
  for (const HostLaunch& launch : plan->launches)
    for (const View& bound : launch.args) {
      const View now = memoryOf({plan->arrays.Value().Get(index++), "an array"});
      if (now.data != bound.data || now.elements != bound.elements)
        throw Failure("running a plan", "an array that it is bound to was detached or resized");
    }
  const auto times = std::make_shared<std::vector<double>>();
  const auto fault = std::make_shared<std::string>();
  return promise(
      args.env,
      [plan, loaded, times, fault] {
        using Clock = std::chrono::steady_clock;
        const std::lock_guard<std::mutex> alone(loaded->lock());
        for (const auto& [kernel, blocks, threads, given] : plan->launches) {
          const auto start = Clock::now();
          const char* found = loaded->run(kernel, given.data(), static_cast<uint32_t>(given.size()), blocks, threads);
          if (found != nullptr) return void(*fault = found);  // its own copy, while we are alone
          times->push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
        }
      },
      [plan, times, fault](Napi::Env env) {
        if (times->size() == plan->launches.size()) return typedArray<double>(env, *times);
        const Napi::Error error = Napi::Error::New(env, *fault);
        error.Value().Set("launch", static_cast<double>(times->size()));
        throw error;
      });
}

Napi::Value hostClose(const Arguments& args) { return close<HostModule>(args, "module", "host module"); }
