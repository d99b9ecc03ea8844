// A device's primary context as one thread of JavaScript uses it. All of it belongs to that thread; threads of the pool
// only queue launches, wait for events and read pinned memory that is held for them.
#pragma once
#include <map>
#include <set>

#include "driver.h"

namespace cortado {

// Pinned memory. `idle` is recorded after the last queued copy that touches it; `held` while a thread reads it.
struct Block {
  void* memory = nullptr;
  size_t bytes = 0;
  CUevent idle = nullptr;
  bool held = true;
};

// Blocks of pinned memory, made as needed and used again. The context must be current in every call.
struct Staging {
  std::vector<std::unique_ptr<Block>> blocks;
  size_t total = 0;
  // A block that no queued copy touches, held; waits for one when there are enough already.
  Block* take(const Driver& driver, size_t bytes);
  // Lets others take it once the copies queued so far have run.
  void give(const Driver& driver, Block* block);
  void destroy(const Driver& driver, Block* block);
};

struct Context : Resource {
  const std::shared_ptr<Driver> driver;
  CUdevice device = 0;
  CUcontext context = nullptr;
  CUstream stream = nullptr;         // everything runs here, in the order of the calls
  CUstream captureStream = nullptr;  // graphs are captured here; nothing runs on it
  std::map<CUdeviceptr, uint64_t> allocations;
  std::set<Resource*> graphs;
  std::set<struct Module*> modules;
  Staging staging;
  unsigned pending = 0;  // promises that still need the context
  bool closed = false;

  Context(std::shared_ptr<Driver> driver, int ordinal);
  ~Context() override { release(); }
  void close() override;  // frees everything, or has the last pending promise do it
  void release();
  void requireOpen() const;
  // Throws unless the bytes lie in one allocation.
  void requireInside(CUdeviceptr address, uint64_t bytes, const std::string& what) const;
  void check(CUresult result, const std::string& what) const { driver->check(result, what); }
};

// Makes a context current on this thread for as long as it lives. `freeing`: goes on where it cannot be.
struct Current {
  const Context& owner;
  const CUresult pushed;
  explicit Current(const Context& context, bool freeing = false)
      : owner(context), pushed(owner.driver->cuCtxPushCurrent(owner.context)) {
    if (!freeing) owner.check(pushed, "making the CUDA context current");
  }
  ~Current() {
    CUcontext popped;
    if (pushed == CUDA_SUCCESS) owner.driver->cuCtxPopCurrent(&popped);
  }
};

// Keeps a context from being freed while a promise needs it. Made and destroyed on the JavaScript thread.
struct Hold {
  const std::shared_ptr<Context> context;
  explicit Hold(std::shared_ptr<Context> owner) : context(std::move(owner)) { context->pending++; }
  ~Hold() {
    if (--context->pending == 0 && context->closed) context->release();
  }
  Hold(const Hold&) = delete;
};

struct Module : Resource {
  const std::shared_ptr<Context> context;
  CUmodule module = nullptr;
  Module(std::shared_ptr<Context> owner, const std::string& image);
  ~Module() override { unload(); }
  void unload();
};

// The context of the first argument, open.
std::shared_ptr<Context> contextOf(const Arguments& args);

}  // namespace cortado
