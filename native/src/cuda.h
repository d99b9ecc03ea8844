// The part of the CUDA driver that is used, and a device's primary context as one thread of JavaScript uses it. All of
// a context belongs to that thread; threads of the pool only queue launches, wait for events and read pinned memory
// that is held for them.
#pragma once
#include <list>
#include <map>

#include "common.h"

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*; using CUstream = struct CUstream_st*; using CUevent = struct CUevent_st*;
using CUmodule = struct CUmod_st*; using CUfunction = struct CUfunc_st*;
using CUgraph = struct CUgraph_st*; using CUgraphExec = struct CUgraphExec_st*;
constexpr CUresult CUDA_SUCCESS = 0;
constexpr unsigned CU_STREAM_NON_BLOCKING = 1, CU_EVENT_DEFAULT = 0, CU_EVENT_DISABLE_TIMING = 2;
constexpr int CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1;  // other threads may use the driver as they like meanwhile

template <class T>
using Owned = std::unique_ptr<T, CUresult (*)(T*)>;  // freed by the driver, the context being current
using Event = Owned<CUevent_st>;

// The driver's functions, loaded and initialised.
struct Driver : Resource {
  const Library library;
  CALL(cuInit, , unsigned);
  CALL(cuGetErrorName, , CUresult, const char**);
  CALL(cuGetErrorString, , CUresult, const char**);
  CALL(cuDriverGetVersion, , int*); CALL(cuDeviceGetCount, , int*); CALL(cuDeviceGet, , CUdevice*, int);
  CALL(cuDeviceGetName, , char*, int, CUdevice); CALL(cuDeviceTotalMem, _v2, size_t*, CUdevice);
  CALL(cuDeviceGetAttribute, , int*, int, CUdevice);
  CALL(cuDevicePrimaryCtxRetain, , CUcontext*, CUdevice); CALL(cuDevicePrimaryCtxRelease, _v2, CUdevice);
  CALL(cuCtxPushCurrent, _v2, CUcontext); CALL(cuCtxPopCurrent, _v2, CUcontext*);
  CALL(cuMemGetInfo, _v2, size_t*, size_t*);  // free, total
  CALL(cuMemAlloc, _v2, CUdeviceptr*, size_t); CALL(cuMemFree, _v2, CUdeviceptr);
  CALL(cuMemHostAlloc, , void**, size_t, unsigned); CALL(cuMemFreeHost, , void*);
  CALL(cuMemsetD8Async, , CUdeviceptr, unsigned char, size_t, CUstream);
  CALL(cuMemcpyHtoDAsync, _v2, CUdeviceptr, const void*, size_t, CUstream);
  CALL(cuMemcpyDtoHAsync, _v2, void*, CUdeviceptr, size_t, CUstream);
  CALL(cuMemcpyDtoDAsync, _v2, CUdeviceptr, CUdeviceptr, size_t, CUstream);  // to, from
  CALL(cuStreamCreate, , CUstream*, unsigned); CALL(cuStreamDestroy, _v2, CUstream);
  CALL(cuStreamBeginCapture, _v2, CUstream, int); CALL(cuStreamEndCapture, , CUstream, CUgraph*);
  CALL(cuStreamSynchronize, , CUstream);
  CALL(cuEventCreate, , CUevent*, unsigned); CALL(cuEventDestroy, _v2, CUevent);
  CALL(cuEventRecord, , CUevent, CUstream); CALL(cuEventQuery, , CUevent); CALL(cuEventSynchronize, , CUevent);
  CALL(cuEventElapsedTime, , float*, CUevent, CUevent);  // ms from start to end
  CALL(cuModuleLoadData, , CUmodule*, const void*); CALL(cuModuleUnload, , CUmodule);
  CALL(cuModuleGetFunction, , CUfunction*, CUmodule, const char*);
  // grid x, y, z, block x, y, z, bytes of dynamic shared memory, stream, arguments, extra
  CALL(cuLaunchKernel, , CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream,
       void**, void**);
  CALL(cuGraphInstantiate, WithFlags, CUgraphExec*, CUgraph, unsigned long long);
  CALL(cuGraphLaunch, , CUgraphExec, CUstream);
  CALL(cuGraphExecDestroy, , CUgraphExec); CALL(cuGraphDestroy, , CUgraph);
  // Since CUDA 12.4; null before.
  using ParamInfo = CUresult(CUfunction, size_t, size_t*, size_t*);
  ParamInfo* const cuFuncGetParamInfo = library.function<ParamInfo>("cuFuncGetParamInfo", true);


  explicit Driver(const std::string& path) : library(path, "the CUDA driver") {
    check(cuInit(0), "initialising the CUDA driver");
  }
  // Throws "<what> failed: CUDA_ERROR_NAME (text)".
  void check(CUresult result, const std::string& what) const {
    if (result == CUDA_SUCCESS) return;
    const char *name = nullptr, *text = nullptr;
    cuGetErrorName(result, &name);
    cuGetErrorString(result, &text);
    throw Failure(what, (name != nullptr ? name : "CUDA error " + std::to_string(result)) + " (" +
                            (text != nullptr ? text : "the driver has no text for it") + ")");
  }
};

// Makes a context current on this thread for as long as it lives. `freeing`: goes on where it cannot be.
struct Current {
  const Driver& driver;
  const CUresult pushed;
  Current(const Driver& with, CUcontext which, bool freeing) : driver(with), pushed(driver.cuCtxPushCurrent(which)) {
    if (!freeing) driver.check(pushed, "making the CUDA context current");
  }
  Current(const Current&) = delete;
  ~Current() {
    CUcontext popped;
    if (pushed == CUDA_SUCCESS) driver.cuCtxPopCurrent(&popped);
  }
};

// Pinned memory. `idle` is recorded after the last queued copy that touches it; `held` while a thread reads it.
struct Block {
  size_t bytes;
  Event idle;
  Owned<void> memory;
  bool held = true;
};

struct Context : Resource {
  const std::shared_ptr<Driver> driver;
  CUdevice device = 0;
  CUcontext context = nullptr;
  CUstream stream = nullptr;         // everything runs here, in the order of the calls
  CUstream captureStream = nullptr;  // graphs are captured here; nothing runs on it
  std::map<CUdeviceptr, uint64_t> allocations;
  std::list<Resource*> parts;  // graphs and modules, the oldest first: modules before their graphs
  std::list<Block> blocks;     // made as needed and used again
  size_t pinned = 0;           // bytes of all blocks
  unsigned pending = 0;        // promises that still need the context
  bool closed = false;
  explicit Context(std::shared_ptr<Driver> with) : driver(std::move(with)) {}
  Context(std::shared_ptr<Driver> with, int ordinal) : Context(std::move(with)) {
    const std::string what = "opening CUDA device " + std::to_string(ordinal);
    check(driver->cuDeviceGet(&device, ordinal), what);
    check(driver->cuDevicePrimaryCtxRetain(&context, device), what);
    const Current now = current();
    check(driver->cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), what);
    check(driver->cuStreamCreate(&captureStream, CU_STREAM_NON_BLOCKING), what);
  }
  ~Context() override { close(); }
  // Frees everything, or has the last pending promise do it. Results are not looked at: after a fault, or when the
  // process ends, the driver has freed all of it already.
  void close() override {
    closed = true;
    if (context == nullptr || pending > 0) return;
    {
      const Current now = current(true);
      if (stream != nullptr) driver->cuStreamSynchronize(stream);
      while (!parts.empty()) parts.back()->close();
      blocks.clear();
      for (const auto& [address, bytes] : allocations) driver->cuMemFree(address);
      if (captureStream != nullptr) driver->cuStreamDestroy(captureStream);
      if (stream != nullptr) driver->cuStreamDestroy(stream);
    }
    driver->cuDevicePrimaryCtxRelease(device);
    context = nullptr;
  }
  Current current(bool freeing = false) const { return {*driver, context, freeing}; }
  void check(CUresult result, const std::string& what) const { driver->check(result, what); }
  void requireOpen() const {
    if (closed) throw std::runtime_error("the CUDA context is closed");
  }
  // Throws unless the bytes lie in one allocation.
  void requireInside(CUdeviceptr address, uint64_t bytes, const std::string& what) const {
    const auto after = allocations.upper_bound(address);
    if (after != allocations.begin()) {
      const auto& [start, length] = *std::prev(after);
      if (address - start <= length && bytes <= length - (address - start)) return;
    }
    throw Failure(what, std::to_string(bytes) + " bytes at address " + std::to_string(address) +
                            " are not inside one allocation of this context");
  }
  // An event at the end of what is queued.
  Event record(unsigned flags, const std::string& what) const {
    CUevent made = nullptr;
    check(driver->cuEventCreate(&made, flags), what);
    Event event(made, driver->cuEventDestroy);
    check(driver->cuEventRecord(made, stream), what);
    return event;
  }
};

// The context of the first argument, open.
inline std::shared_ptr<Context> contextOf(const Arguments& args) {
  auto context = args(0, "context").handle<Context>("CUDA context");
  context->requireOpen();
  return context;
}

// Keeps a context from being freed while a promise needs it. Made and destroyed on the JavaScript thread.
struct Hold {
  const std::shared_ptr<Context> context;
  explicit Hold(std::shared_ptr<Context> owner) : context(std::move(owner)) { context->pending++; }
  Hold(const Hold&) = delete;
  ~Hold() {
    context->pending--;
    if (context->closed) context->close();
  }
};

struct Module : Resource {
  const std::shared_ptr<Context> context;
  CUmodule module = nullptr;
  Module(std::shared_ptr<Context> owner, const std::string& image) : context(std::move(owner)) {
    const Current now = context->current();
    context->check(context->driver->cuModuleLoadData(&module, image.c_str()), "loading a module");
    context->parts.push_back(this);
  }
  ~Module() override { close(); }
  void close() override {
    if (module == nullptr) return;
    const Current now = context->current(true);
    context->driver->cuStreamSynchronize(context->stream);  // its kernels may still be queued
    context->driver->cuModuleUnload(module);
    module = nullptr;
    context->parts.remove(this);
  }
};
