// The driver, its devices, contexts, memory and modules; copies between JavaScript's memory and the device's through
// pinned memory, and waiting.
#include <cstring>

#include "cuda.h"

// The driver's numbers (CUdevice_attribute of cuda.h) of what a DeviceProperties has.
constexpr std::pair<const char*, int> kAttributes[] = {
    {"major", 75}, {"minor", 76}, {"multiprocessors", 16}, {"sharedPerBlock", 8}, {"sharedPerMultiprocessor", 81},
    {"registersPerMultiprocessor", 82}, {"threadsPerMultiprocessor", 39}, {"clockKilohertz", 13},
    {"memoryClockKilohertz", 36}, {"memoryBusBits", 37}, {"l2Bytes", 38}};

static std::shared_ptr<Driver> driverOf(const Arguments& args) { return args(0, "cuda").handle<Driver>("CUDA handle"); }

Napi::Value cudaOpen(const Arguments& args) { return open<Driver>(args); }

Napi::Value cudaDriverVersion(const Arguments& args) {
  const auto driver = driverOf(args);
  int version = 0;
  driver->check(driver->cuDriverGetVersion(&version), "asking the CUDA driver for its version");
  return Napi::Number::New(args.env, version);
}

Napi::Value cudaDevices(const Arguments& args) {
  const auto driver = driverOf(args);
  int count = 0;
  driver->check(driver->cuDeviceGetCount(&count), "counting CUDA devices");
  auto list = Napi::Array::New(args.env);
  for (int ordinal = 0; ordinal < count; ordinal++) {
    const std::string what = "describing CUDA device " + std::to_string(ordinal);
    CUdevice device = 0;
    char name[256] = "";
    size_t memory = 0;
    driver->check(driver->cuDeviceGet(&device, ordinal), what);
    driver->check(driver->cuDeviceGetName(name, sizeof name - 1, device), what);
    driver->check(driver->cuDeviceTotalMem(&memory, device), what);
    auto properties = Napi::Object::New(args.env);
    properties.Set("name", std::string(name));
    properties.Set("memory", static_cast<double>(memory));
    for (const auto& [field, attribute] : kAttributes) {
      int value = 0;
      driver->check(driver->cuDeviceGetAttribute(&value, attribute, device), what);
      properties.Set(field, value);
    }
    list.Set(static_cast<uint32_t>(ordinal), properties);
  }
  return list;
}

Napi::Value contextOpen(const Arguments& args) {
  const auto driver = driverOf(args);
  const auto ordinal = static_cast<int>(args(1, "device").whole(0, kInt32));
  return wrap(args.env, std::make_shared<Context>(driver, ordinal));
}

Napi::Value contextMemory(const Arguments& args) {
  const auto context = contextOf(args);
  const Current now = context->current();
  size_t free = 0, total = 0;
  context->check(context->driver->cuMemGetInfo(&free, &total), "asking for the device's free memory");
  return numbers(args.env, {double(free), double(total)});
}

Napi::Value allocate(const Arguments& args) {
  const auto context = contextOf(args);
  const uint64_t bytes = std::max<uint64_t>(1, args(1, "bytes").whole(0, kSafeInteger));
  const std::string what = "allocating " + std::to_string(bytes) + " bytes of device memory";
  const Current now = context->current();
  CUdeviceptr address = 0;
  context->check(context->driver->cuMemAlloc(&address, bytes), what);
  context->allocations.emplace(address, bytes);
  context->check(context->driver->cuMemsetD8Async(address, 0, bytes, context->stream), what);
  return Napi::BigInt::New(args.env, uint64_t{address});
}

Napi::Value free(const Arguments& args) {
  const auto context = contextOf(args);
  const auto found = context->allocations.find(args(1, "address").address());
  if (found == context->allocations.end())
    throw Failure("freeing device memory", "this context has not allocated it");
  const Current now = context->current();
  context->check(context->driver->cuStreamSynchronize(context->stream), "waiting before freeing device memory");
  context->check(context->driver->cuMemFree(found->first), "freeing device memory");
  context->allocations.erase(found);
  return args.env.Undefined();
}

Napi::Value moduleLoad(const Arguments& args) {
  const auto context = contextOf(args);
  const View cubin = args(1, "cubin").array({napi_uint8_array}, "a Uint8Array");
  if (cubin.elements == 0) throw Failure("loading a module", "the cubin is empty");
  // A copy ends in a NUL, which the driver wants of anything but a cubin.
  const std::string image(static_cast<const char*>(cubin.data), cubin.elements);
  return wrap(args.env, std::make_shared<Module>(context, image));
}

Napi::Value contextClose(const Arguments& args) { return close<Context>(args, "context", "CUDA context"); }

constexpr size_t kSmallest = size_t{64} << 10;  // bytes of a block
constexpr size_t kChunk = size_t{16} << 20;     // a copy to the device is cut into pieces of so many bytes
constexpr size_t kEnough = size_t{64} << 20;    // pinned bytes beyond which a copy waits rather than pins more

// A block that no queued copy touches, held; waits for one when there are enough already.
static Block* take(Context& context, size_t bytes) {
  const Driver& driver = *context.driver;
  // Powers of two, so that blocks fit again; beyond a chunk what was asked for.
  size_t wanted = kSmallest;
  while (wanted < bytes) wanted = wanted < kChunk ? wanted * 2 : bytes;
  const auto idle = [&](const Block* block) { return driver.cuEventQuery(block->idle.get()) == CUDA_SUCCESS; };
  Block* found = nullptr;
  for (Block& block : context.blocks) {
    if (block.held || block.bytes < wanted) continue;
    found = &block;
    if (idle(found)) break;
  }
  if (found != nullptr && (context.pinned + wanted > kEnough || idle(found))) {
    driver.check(driver.cuEventSynchronize(found->idle.get()), "waiting for pinned memory");
    found->held = true;
    return found;
  }
  const std::string what = "allocating " + std::to_string(wanted) + " bytes of pinned memory";
  Event event = context.record(CU_EVENT_DISABLE_TIMING, what);
  void* memory = nullptr;
  driver.check(driver.cuMemHostAlloc(&memory, wanted, 0), what);
  context.pinned += wanted;
  return &context.blocks.emplace_back(Block{wanted, std::move(event), {memory, driver.cuMemFreeHost}});
}

// Lets others take it once the copies queued so far have run.
static void give(Context& context, Block* block) {
  block->held = false;
  if (context.pinned <= kEnough) return;
  context.driver->cuEventSynchronize(block->idle.get());
  context.pinned -= block->bytes;
  context.blocks.remove_if([=](const Block& one) { return &one == block; });
}

Napi::Value copyIn(const Arguments& args) {
  const auto context = contextOf(args);
  const CUdeviceptr to = args(1, "to").address();
  const View data = args(2, "data").array({napi_uint8_array}, "a Uint8Array");
  const Driver& driver = *context->driver;
  const char* what = "copying to the device";
  context->requireInside(to, data.elements, what);
  const Current now = context->current();
  for (size_t done = 0; done < data.elements; done += kChunk) {
    const size_t bytes = std::min(data.elements - done, kChunk);
    Block* block = take(*context, bytes);
    std::memcpy(block->memory.get(), static_cast<const char*>(data.data) + done, bytes);
    CUresult result = driver.cuMemcpyHtoDAsync(to + done, block->memory.get(), bytes, context->stream);
    if (result == CUDA_SUCCESS) result = driver.cuEventRecord(block->idle.get(), context->stream);
    give(*context, block);
    driver.check(result, what);
  }
  return args.env.Undefined();
}

// A wait for all that was queued when it was made, a copy of device memory at last: to pinned memory first, for a
// thread of the pool to bring it to `target`, which nobody else knows yet.
struct Wait {
  const Hold hold;  // goes last
  Context& context = *hold.context;
  Block* block = nullptr;
  Napi::Reference<Napi::Value> target;
  explicit Wait(std::shared_ptr<Context> owner) : hold(std::move(owner)) {}
  ~Wait() {
    const Current now = context.current(true);
    if (block != nullptr) give(context, block);
  }
};

static Napi::Value waitFor(const Arguments& args, const char* what, bool wanted, CUdeviceptr from, uint64_t bytes) {
  const auto wait = std::make_shared<Wait>(contextOf(args));
  Context& context = wait->context;
  const Driver& driver = *context.driver;
  const Current now = context.current();
  const Block* block = wait->block = take(context, bytes);
  auto target = Napi::Uint8Array::New(args.env, bytes);
  wait->target = Napi::Reference<Napi::Value>::New(target, 1);
  if (bytes > 0) driver.check(driver.cuMemcpyDtoHAsync(block->memory.get(), from, bytes, context.stream), what);
  driver.check(driver.cuEventRecord(block->idle.get(), context.stream), what);
  const auto run = [wait, block, bytes, what, to = target.Data()] {
    const Current now = wait->context.current();
    wait->context.check(wait->context.driver->cuEventSynchronize(block->idle.get()), what);
    if (bytes > 0) std::memcpy(to, block->memory.get(), bytes);
  };
  const auto result = [wait, wanted](Napi::Env env) { return wanted ? wait->target.Value() : env.Undefined(); };
  return promise(args.env, run, result);
}

Napi::Value copyOut(const Arguments& args) {
  const CUdeviceptr from = args(1, "from").address();
  const uint64_t bytes = args(2, "bytes").whole(0, kSafeInteger);
  contextOf(args)->requireInside(from, bytes, "copying from the device");
  return waitFor(args, "copying from the device", true, from, bytes);
}

Napi::Value synchronize(const Arguments& args) { return waitFor(args, "waiting for the device", false, 0, 0); }
