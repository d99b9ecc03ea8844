// Native modules: kernels compiled for this processor, run by the pool (pool.h) over arrays of JavaScript.
#include <sys/mman.h>

#include "common.h"
#include "pool.h"

namespace {

// What a module exports: the functions of its kernels, and how many.
struct Table {
  long count;
  Kernel* kernels[];
};

struct NativeModule : Resource {
  std::shared_ptr<const Library> library;  // null when closed; plans keep their own
  const Table* const table;
  explicit NativeModule(const std::string& path)
      : library(std::make_shared<Library>(path, "a native module", true)),
        table(static_cast<const Table*>(library->find("cortado_kernels", false))) {}
  void close() override { library = nullptr; }
  Kernel* kernel(const Given& number) const {
    if (library == nullptr) throw std::runtime_error("the native module is closed");
    if (table->count < 1) throw Failure("making a plan", library->path + " has no kernels");
    return table->kernels[number.whole(0, static_cast<uint64_t>(table->count) - 1)];
  }
};

struct NativePlan : Resource {
  std::shared_ptr<const PoolPass> pass;  // null when closed; a run under way keeps its own
  Napi::Reference<Napi::Array> arrays;   // all typed arrays of the launches: their memory stays
  // Of those, what could be detached or resized, and what each was when it was bound.
  std::vector<std::pair<uint32_t, View>> movable;
  void close() override {
    pass = nullptr;
    movable.clear();
    arrays.Reset();
  }
};

View memoryOf(const Given& given) {
  return given.array({napi_float32_array, napi_float64_array, napi_int32_array},
                     "a Float32Array, a Float64Array or an Int32Array");
}

// Shared memory stays where it is and keeps its size as long as anybody refers to it.
bool isShared(const Napi::Value& array) {
  napi_value buffer;
  bool plain = false;
  return napi_get_typedarray_info(array.Env(), array, nullptr, nullptr, nullptr, &buffer, nullptr) == napi_ok &&
         napi_is_arraybuffer(array.Env(), buffer, &plain) == napi_ok && !plain;
}

View bytesOf(const Given& given) { return given.array({napi_uint8_array}, "a Uint8Array"); }

}  // namespace

Napi::Value nativeOpen(const Arguments& args) { return open<NativeModule>(args); }

Napi::Value nativePlan(const Arguments& args) {
  const auto plan = std::make_shared<NativePlan>();
  const auto pass = std::make_shared<PoolPass>();
  auto arrays = Napi::Array::New(args.env);
  for (const Given& given : args(0, "launches").list()) {
    const auto module = given.field("module").handle<NativeModule>("native module");
    Kernel* const kernel = module->kernel(given.field("kernel"));
    const uint64_t from = given.field("from").whole(0, kSafeInteger), to = given.field("to").whole(from, kSafeInteger);
    const uint64_t pieces = given.field("pieces").whole(1, kInt32);
    PoolLaunch launch{kernel, static_cast<long>(from), static_cast<long>(to), static_cast<uint32_t>(pieces), {}};
    for (const Given& array : given.field("args").list()) {
      const View view = memoryOf(array);
      launch.memory.push_back(view.data);
      if (!isShared(array.value)) plan->movable.emplace_back(arrays.Length(), view);
      arrays.Set(arrays.Length(), array.value);
    }
    pass->launches.push_back(std::move(launch));
    if (pass->owners.empty() || pass->owners.back() != module->library) pass->owners.push_back(module->library);
  }
  pass->scratchBytes = static_cast<size_t>(args(1, "scratchBytes").whole(0, kSafeInteger));
  pass->threads = static_cast<uint32_t>(args(2, "threads").whole(1, 1024));
  plan->pass = pass;
  plan->arrays = Napi::Persistent(arrays);
  return wrap(args.env, plan);
}

// A plan that may run: open, its arrays where they were.
static std::shared_ptr<NativePlan> soundPlan(const Arguments& args) {
  const auto plan = args(0, "plan").handle<NativePlan>("native plan");
  if (plan->pass == nullptr) throw std::runtime_error("the native plan is closed");
  for (const auto& [index, bound] : plan->movable) {
    const View now = memoryOf({plan->arrays.Value().Get(index), "an array"});
    if (now.data != bound.data || now.elements != bound.elements)
      throw Failure("running a plan", "an array that it is bound to was detached or resized");
  }
  return plan;
}

Napi::Value nativeRunHere(const Arguments& args) {
  const auto times = tryPass(soundPlan(args)->pass);
  return times ? typedArray<double>(args.env, *times) : args.env.Undefined();
}

Napi::Value nativeRun(const Arguments& args) {
  const auto plan = soundPlan(args);
  const auto pass = plan->pass;
  // The arrays stay alive for this run, also when the plan is closed meanwhile.
  const auto arrays = std::make_shared<Napi::Reference<Napi::Array>>(Napi::Persistent(plan->arrays.Value()));
  const auto times = std::make_shared<std::vector<double>>();
  return promise(
      args.env, [pass, times] { *times = runPass(pass); },
      [arrays, times](Napi::Env env) { return typedArray<double>(env, *times); });
}

Napi::Value nativeClose(const Arguments& args) {
  const Given handle = args(0, "handle");
  if (const auto module = std::dynamic_pointer_cast<NativeModule>(unwrap(handle.value)))
    module->close();
  else
    handle.handle<NativePlan>("native module or plan")->close();
  return args.env.Undefined();
}

Napi::Value addressOf(const Arguments& args) {
  const auto address = reinterpret_cast<uintptr_t>(bytesOf(args(0, "memory")).data);
  return Napi::BigInt::New(args.env, static_cast<uint64_t>(address));
}

Napi::Value hugePages(const Arguments& args) {
  const View memory = bytesOf(args(0, "memory"));
  int refused = -1;
#ifdef MADV_HUGEPAGE
  // Only whole pages may be advised.
  const uintptr_t page = 4096, from = (reinterpret_cast<uintptr_t>(memory.data) + page - 1) / page * page;
  const uintptr_t to = (reinterpret_cast<uintptr_t>(memory.data) + memory.elements) / page * page;
  if (from < to) refused = madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#endif
  return Napi::Boolean::New(args.env, refused == 0);
}
