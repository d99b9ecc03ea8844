// The driver, its devices, contexts, memory and modules.
#include "context.h"

namespace cortado {

Driver::Driver(const std::string& path) : lib(path, "the CUDA driver") {
  check(cuInit(0), "initialising the CUDA driver");
}

void Driver::check(CUresult result, const std::string& what) const {
  if (result == CUDA_SUCCESS) return;
  const char *name = nullptr, *text = nullptr;
  cuGetErrorName(result, &name);
  cuGetErrorString(result, &text);
  throw std::runtime_error(what + " failed: " + (name != nullptr ? name : "CUDA error " + std::to_string(result)) +
                           " (" + (text != nullptr ? text : "the driver has no text for it") + ")");
}

Context::Context(std::shared_ptr<Driver> with, int ordinal) : driver(std::move(with)) {
  const std::string what = "opening CUDA device " + std::to_string(ordinal);
  check(driver->cuDeviceGet(&device, ordinal), what);
  check(driver->cuDevicePrimaryCtxRetain(&context, device), what);
  try {
    const Current current(*this);
    check(driver->cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), what);
    check(driver->cuStreamCreate(&captureStream, CU_STREAM_NON_BLOCKING), what);
  } catch (...) {
    release();
    throw;
  }
}

void Context::close() {
  closed = true;
  if (pending == 0) release();
}

// Results are not looked at: after a fault, or when the process ends, the driver has freed all of it already.
void Context::release() {
  closed = true;
  if (context == nullptr) return;
  {
    const Current current(*this, true);
    if (stream != nullptr) driver->cuStreamSynchronize(stream);
    while (!graphs.empty()) (*graphs.begin())->close();
    while (!modules.empty()) (*modules.begin())->unload();
    while (!staging.blocks.empty()) staging.destroy(*driver, staging.blocks.back().get());
    for (const auto& [address, bytes] : allocations) driver->cuMemFree(address);
    if (captureStream != nullptr) driver->cuStreamDestroy(captureStream);
    if (stream != nullptr) driver->cuStreamDestroy(stream);
  }
  driver->cuDevicePrimaryCtxRelease(device);
  context = nullptr;
}

void Context::requireOpen() const {
  if (closed) throw std::runtime_error("the CUDA context is closed");
}

void Context::requireInside(CUdeviceptr address, uint64_t bytes, const std::string& what) const {
  const auto after = allocations.upper_bound(address);
  if (after != allocations.begin()) {
    const auto& [start, length] = *std::prev(after);
    if (address - start <= length && bytes <= length - (address - start)) return;
  }
  throw std::runtime_error(what + " failed: " + std::to_string(bytes) + " bytes at address " +
                           std::to_string(address) + " are not inside one allocation of this context");
}

std::shared_ptr<Context> contextOf(const Arguments& args) {
  auto context = args(0, "context").handle<Context>("CUDA context");
  context->requireOpen();
  return context;
}

Module::Module(std::shared_ptr<Context> owner, const std::string& image) : context(std::move(owner)) {
  const Current current(*context);
  context->check(context->driver->cuModuleLoadData(&module, image.c_str()), "loading a module");
  context->modules.insert(this);
}

void Module::unload() {
  if (module == nullptr) return;
  const Current current(*context, true);
  context->driver->cuStreamSynchronize(context->stream);  // its kernels may still be queued
  context->driver->cuModuleUnload(module);
  module = nullptr;
  context->modules.erase(this);
}

namespace {

// The driver's numbers (CUdevice_attribute of cuda.h) of what a DeviceProperties has.
constexpr struct {
  const char* field;
  int attribute;
} kAttributes[] = {{"major", 75}, {"minor", 76}, {"multiprocessors", 16}, {"sharedPerBlock", 8},
                   {"sharedPerMultiprocessor", 81}, {"registersPerMultiprocessor", 82}, {"threadsPerMultiprocessor", 39},
                   {"clockKilohertz", 13}, {"memoryClockKilohertz", 36}, {"memoryBusBits", 37}, {"l2Bytes", 38}};

std::shared_ptr<Driver> driverOf(const Arguments& args) { return args(0, "cuda").handle<Driver>("CUDA handle"); }

Napi::Value cudaOpen(const Arguments& args) {
  return Environment::wrap(args.env, std::make_shared<Driver>(args(0, "path").text()));
}

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
  return Environment::wrap(args.env, std::make_shared<Context>(driver, ordinal));
}

Napi::Value contextMemory(const Arguments& args) {
  const auto context = contextOf(args);
  const Current current(*context);
  size_t free = 0, total = 0;
  context->check(context->driver->cuMemGetInfo(&free, &total), "asking for the device's free memory");
  return numbers(args.env, {double(free), double(total)});
}

Napi::Value allocate(const Arguments& args) {
  const auto context = contextOf(args);
  const uint64_t bytes = std::max<uint64_t>(1, args(1, "bytes").whole(0, kSafeInteger));
  const std::string what = "allocating " + std::to_string(bytes) + " bytes of device memory";
  const Current current(*context);
  CUdeviceptr address = 0;
  context->check(context->driver->cuMemAlloc(&address, bytes), what);
  context->allocations.emplace(address, bytes);
  context->check(context->driver->cuMemsetD8Async(address, 0, bytes, context->stream), what);
  return Napi::BigInt::New(args.env, uint64_t{address});
}

void freeMemory(const Arguments& args) {
  const auto context = contextOf(args);
  const auto found = context->allocations.find(args(1, "address").address());
  if (found == context->allocations.end())
    throw std::runtime_error("freeing device memory failed: this context has not allocated it");
  const Current current(*context);
  context->check(context->driver->cuStreamSynchronize(context->stream), "waiting before freeing device memory");
  context->check(context->driver->cuMemFree(found->first), "freeing device memory");
  context->allocations.erase(found);
}

Napi::Value moduleLoad(const Arguments& args) {
  const auto context = contextOf(args);
  const View cubin = args(1, "cubin").bytes();
  if (cubin.elements == 0) throw std::runtime_error("loading a module failed: the cubin is empty");
  // A copy ends in a NUL, which the driver wants of anything but a cubin.
  const std::string image(static_cast<const char*>(cubin.data), cubin.elements);
  return Environment::wrap(args.env, std::make_shared<Module>(context, image));
}

void contextClose(const Arguments& args) { args(0, "context").handle<Context>("CUDA context")->close(); }

}  // namespace

void defineCuda(Napi::Object exports) {
  define<cudaOpen>(exports, "cudaOpen");
  define<cudaDriverVersion>(exports, "cudaDriverVersion");
  define<cudaDevices>(exports, "cudaDevices");
  define<contextOpen>(exports, "contextOpen");
  define<contextMemory>(exports, "contextMemory");
  define<allocate>(exports, "allocate");
  define<freeMemory>(exports, "free");
  define<moduleLoad>(exports, "moduleLoad");
  define<contextClose>(exports, "contextClose");
}

}  // namespace cortado
