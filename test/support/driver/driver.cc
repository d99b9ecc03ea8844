// A double of libcuda.so.1 over host memory, so that all that talks to the driver is tested without a GPU.
//
// One device, "Cortado Double". Device memory is host memory with a table of allocations; a stream runs what it is given
// at once, except while it captures: then the work is recorded, and launching the graph replays it. A fault of a kernel
// shows, as on a device, only where something waits (cuStreamSynchronize, cuEventSynchronize), and stays.
//
// A module's image is text, not a cubin:
//   CORTADO-DOUBLE:<path of a shared object that has cortado_run (native/emulator/)>
//   <symbol> <kernel number> <number of arguments>
//   ...
// A launch calls cortado_run with, for every argument, the address and what is left of its allocation in 4-byte
// elements. A text that it returns becomes CUDA_ERROR_ILLEGAL_ADDRESS at the next wait.
//
// Environment, read when the library is loaded (a copy of the file under another name is a double of its own):
//   CORTADO_DOUBLE_MEMORY  bytes of the device, 1 GiB unless told
//   CORTADO_DOUBLE_CAPABILITY  compute capability of the device: 90, unless told, is 9.0
//   CORTADO_DOUBLE_CUDA    the CUDA version that the driver knows: 13000 unless told
//   CORTADO_DOUBLE_FAIL    "function:nth:code,...": the nth call (from 1) of the function returns the code
//   CORTADO_DOUBLE_SLOW    milliseconds that every wait takes
//   CORTADO_DOUBLE_LOG     a file that gets lines when the last primary context is released: "leak: ..." for what is
//                          still there, "protocol: ..." for calls without a current context, with an address that is
//                          not allocated or with a destroyed object, "kernel: ..." for what kernels reported, and at
//                          the end "released"

#include "driver-state.h"

EXPORT cuInit(unsigned) { ENTER; return SUCCESS; }
EXPORT cuDriverGetVersion(int* version) { ENTER; *version = cudaVersion; return SUCCESS; }

EXPORT cuGetErrorName(int code, const char** name) {
  static const std::map<int, const char*> names = {
      {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},     {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
      {100, "CUDA_ERROR_NO_DEVICE"},                   {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
      {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"},     {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
      {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},   {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
      {NOT_READY, "CUDA_ERROR_NOT_READY"},             {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
      {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
  };
  const auto found = names.find(code);
  if (found == names.end()) return INVALID_VALUE;
  *name = found->second;
  return SUCCESS;
}
EXPORT cuGetErrorString(int code, const char** text) {
  const char* name = nullptr;
  if (cuGetErrorName(code, &name) != SUCCESS) return INVALID_VALUE;
  *text = code == OUT_OF_MEMORY     ? "out of memory"
          : code == ILLEGAL_ADDRESS ? "an illegal memory access was encountered"
                                    : "the double's text";
  return SUCCESS;
}

EXPORT cuDeviceGetCount(int* count) { ENTER; *count = 1; return SUCCESS; }
EXPORT cuDeviceGet(int* device, int ordinal) { ENTER; *device = ordinal; return ordinal == 0 ? SUCCESS : INVALID_DEVICE; }
EXPORT cuDeviceGetName(char* name, int bytes, int) { ENTER; strncpy(name, "Cortado Double", bytes); return SUCCESS; }
EXPORT cuDeviceTotalMem_v2(size_t* bytes, int) { ENTER; *bytes = capacity; return SUCCESS; }
EXPORT cuDeviceGetAttribute(int* value, int attribute, int) {
  ENTER;
  static const std::map<int, int> values = {{75, capability / 10}, {76, capability % 10}, {16, 4},       {8, 49152},   {81, 233472}, {82, 65536},
                                            {39, 2048},  {13, 1000000}, {36, 2000000}, {37, 5120}, {38, 52428800}};
  const auto found = values.find(attribute);
  if (found == values.end()) return INVALID_VALUE;
  *value = found->second;
  return SUCCESS;
}

EXPORT cuDevicePrimaryCtxRetain(void** out, int) {
  ENTER;
  retained++;
  *out = &context;
  return SUCCESS;
}
EXPORT cuDevicePrimaryCtxRelease_v2(int) {
  ENTER;
  if (retained == 0) return breaks(__func__, "more releases than retains", INVALID_CONTEXT);
  if (--retained > 0) return SUCCESS;
  sticky = SUCCESS;
  if (!logFile.empty()) std::ofstream(logFile, std::ios::app) << report() << "released\n";
  return SUCCESS;
}
EXPORT cuCtxPushCurrent_v2(void* pushed) {
  ENTER;
  if (pushed != &context || retained == 0) return breaks(__func__, "no such context", INVALID_CONTEXT);
  current.push_back(pushed);
  return SUCCESS;
}
EXPORT cuCtxPopCurrent_v2(void** popped) {
  ENTER;
  if (current.empty()) return breaks(__func__, "nothing to pop", INVALID_CONTEXT);
  *popped = current.back();
  current.pop_back();
  return SUCCESS;
}

EXPORT cuMemGetInfo_v2(size_t* free, size_t* total) {
  IN_CONTEXT;
  *total = capacity;
  *free = capacity - used();
  return SUCCESS;
}
EXPORT cuMemAlloc_v2(Address* address, size_t bytes) {
  IN_CONTEXT;
  if (bytes == 0) return INVALID_VALUE;
  if (bytes > capacity - used()) return OUT_OF_MEMORY;
  void* allocated = aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(allocated, 0xcd, bytes);  // as on a device, memory starts with anything
  *address = reinterpret_cast<Address>(allocated);
  memory[*address] = bytes;
  return SUCCESS;
}
EXPORT cuMemFree_v2(Address address) {
  IN_CONTEXT;
  if (memory.erase(address) == 0) return breaks(__func__, "an address that is not allocated", INVALID_VALUE);
  free(host(address));
  return SUCCESS;
}
EXPORT cuMemHostAlloc(void** out, size_t bytes, unsigned) {
  IN_CONTEXT;
  *out = malloc(bytes);
  pinned[*out] = bytes;
  return SUCCESS;
}
EXPORT cuMemFreeHost(void* block) {
  IN_CONTEXT;
  if (pinned.erase(block) == 0) return breaks(__func__, "memory that is not pinned", INVALID_VALUE);
  free(block);
  return SUCCESS;
}
EXPORT cuMemsetD8Async(Address address, unsigned char value, size_t bytes, Stream* stream) {
  IN_CONTEXT;
  KNOWN(streams, stream);
  if (rest(address) < bytes) return breaks(__func__, "bytes outside an allocation", INVALID_VALUE);
  return submit(stream, [=] {
    std::memset(host(address), value, bytes);
    return int(SUCCESS);
  });
}
EXPORT cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t bytes, Stream* stream) {
  IN_CONTEXT;
  KNOWN(streams, stream);
  return copy(__func__, stream, host(to), from, bytes, to);
}
EXPORT cuMemcpyDtoHAsync_v2(void* to, Address from, size_t bytes, Stream* stream) {
  IN_CONTEXT;
  KNOWN(streams, stream);
  return copy(__func__, stream, to, host(from), bytes, from);
}
EXPORT cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, Stream* stream) {
  IN_CONTEXT;
  KNOWN(streams, stream);
  if (rest(from) < bytes) return breaks(__func__, "bytes outside an allocation", INVALID_VALUE);
  return copy(__func__, stream, host(to), host(from), bytes, to);
}

EXPORT cuStreamCreate(Stream** out, unsigned) {
  IN_CONTEXT;
  streams.insert(*out = new Stream);
  return SUCCESS;
}
EXPORT cuStreamDestroy_v2(Stream* stream) {
  IN_CONTEXT;
  KNOWN(streams, stream);
  streams.erase(stream);
  delete stream;
  return SUCCESS;
}
EXPORT cuStreamSynchronize(Stream* stream) {
  IN_CONTEXT;
  KNOWN(streams, stream);
  if (stream->capturing) return breaks(__func__, "a wait for a stream that captures", CAPTURE_INVALIDATED);
  return sticky;
}
EXPORT cuStreamBeginCapture_v2(Stream* stream, int) {
  IN_CONTEXT;
  KNOWN(streams, stream);
  if (stream->capturing) return breaks(__func__, "the stream captures already", INVALID_VALUE);
  stream->capturing = true;
  return SUCCESS;
}
EXPORT cuStreamEndCapture(Stream* stream, Graph** out) {
  IN_CONTEXT;
  KNOWN(streams, stream);
  if (!stream->capturing) return breaks(__func__, "the stream does not capture", INVALID_VALUE);
  stream->capturing = false;
  graphs.insert(*out = new Graph{std::move(stream->recorded)});
  stream->recorded.clear();
  return SUCCESS;
}

EXPORT cuEventCreate(Event** out, unsigned) {
  IN_CONTEXT;
  events.insert(*out = new Event);
  return SUCCESS;
}
EXPORT cuEventDestroy_v2(Event* event) {
  IN_CONTEXT;
  KNOWN(events, event);
  events.erase(event);
  delete event;
  return SUCCESS;
}
EXPORT cuEventRecord(Event* event, Stream* stream) {
  IN_CONTEXT;
  KNOWN(events, event);
  KNOWN(streams, stream);
  event->recorded = true;
  event->at = std::chrono::steady_clock::now();
  return SUCCESS;
}
// An event is over only when the time of a slow wait has gone by.
EXPORT cuEventQuery(Event* event) {
  IN_CONTEXT;
  KNOWN(events, event);
  const auto over = event->at + std::chrono::milliseconds(slow);
  return event->recorded && std::chrono::steady_clock::now() < over ? int(NOT_READY) : sticky;
}
EXPORT cuEventSynchronize(Event* event) {
  {
    IN_CONTEXT;
    KNOWN(events, event);
  }
  // Without the lock, as other threads go on meanwhile.
  std::this_thread::sleep_for(std::chrono::milliseconds(slow));
  const std::lock_guard<std::recursive_mutex> one(lock);
  KNOWN(events, event);
  return sticky;
}
EXPORT cuEventElapsedTime(float* milliseconds, Event* start, Event* end) {
  IN_CONTEXT;
  KNOWN(events, start);
  KNOWN(events, end);
  if (!start->recorded || !end->recorded) return breaks(__func__, "an event never recorded", INVALID_HANDLE);
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - start->at).count();
  return SUCCESS;
}

EXPORT cuModuleLoadData(Module** out, const void* image) {
  IN_CONTEXT;
  std::istringstream text(static_cast<const char*>(image));
  const std::string magic = "CORTADO-DOUBLE:";
  std::string line;
  std::getline(text, line);
  if (line.compare(0, magic.size(), magic) != 0) return INVALID_IMAGE;
  void* library = dlopen(line.c_str() + magic.size(), RTLD_NOW | RTLD_LOCAL);
  auto run = library != nullptr ? reinterpret_cast<Run>(dlsym(library, "cortado_run")) : nullptr;
  if (run == nullptr) return INVALID_IMAGE;
  auto* module = new Module{library, run, {}};
  uint32_t kernel, arguments;
  for (std::string symbol; text >> symbol >> kernel >> arguments;)
    module->functions[symbol] = {module, kernel, arguments};
  modules.insert(*out = module);
  return SUCCESS;
}
EXPORT cuModuleUnload(Module* module) {
  IN_CONTEXT;
  KNOWN(modules, module);
  modules.erase(module);
  dlclose(module->library);
  delete module;
  return SUCCESS;
}
EXPORT cuModuleGetFunction(Module::Function** out, Module* module, const char* symbol) {
  IN_CONTEXT;
  KNOWN(modules, module);
  const auto found = module->functions.find(symbol);
  if (found == module->functions.end()) return NOT_FOUND;
  *out = &found->second;
  return SUCCESS;
}
EXPORT cuFuncGetParamInfo(Module::Function* function, size_t index, size_t* offset, size_t* bytes) {
  if (index >= function->arguments) return INVALID_VALUE;
  *offset = index * 8;
  *bytes = 8;
  return SUCCESS;
}
EXPORT cuLaunchKernel(Module::Function* function, unsigned blocks, unsigned, unsigned, unsigned threads, unsigned,
                      unsigned, unsigned, Stream* stream, void** parameters, void**) {
  IN_CONTEXT;
  KNOWN(modules, function->module);
  KNOWN(streams, stream);
  if (blocks == 0 || threads == 0 || threads > 1024) return INVALID_VALUE;
  std::vector<Address> addresses;
  for (uint32_t i = 0; i < function->arguments; i++) addresses.push_back(*static_cast<Address*>(parameters[i]));
  return submit(stream, [=] {
    if (modules.count(function->module) == 0)
      return breaks("cuGraphLaunch", "a kernel of an unloaded module", LAUNCH_FAILED);
    std::vector<Argument> args;
    for (const Address address : addresses) {
      if (rest(address) == 0) return int(ILLEGAL_ADDRESS);
      args.push_back({host(address), rest(address) / 4});
    }
    const char* found = function->module->run(function->kernel, args.data(), uint32_t(args.size()), blocks, threads);
    if (found == nullptr) return int(SUCCESS);
    broken.push_back(std::string("kernel: ") + found);
    return int(ILLEGAL_ADDRESS);
  });
}

EXPORT cuGraphInstantiateWithFlags(Graph** out, Graph* graph, unsigned long long) {
  IN_CONTEXT;
  KNOWN(graphs, graph);
  execs.insert(*out = new Graph(*graph));
  return SUCCESS;
}
EXPORT cuGraphLaunch(Graph* exec, Stream* stream) {
  IN_CONTEXT;
  KNOWN(execs, exec);
  KNOWN(streams, stream);
  if (sticky != SUCCESS) return sticky;
  for (const Task& task : exec->tasks)
    if (sticky == SUCCESS) sticky = task();
  return SUCCESS;
}
EXPORT cuGraphExecDestroy(Graph* exec) {
  IN_CONTEXT;
  KNOWN(execs, exec);
  execs.erase(exec);
  delete exec;
  return SUCCESS;
}
EXPORT cuGraphDestroy(Graph* graph) {
  IN_CONTEXT;
  KNOWN(graphs, graph);
  graphs.erase(graph);
  delete graph;
  return SUCCESS;
}
