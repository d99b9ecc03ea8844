// What the double of the driver keeps: see driver.cc, which is alone in including this.
#pragma once

#include <dlfcn.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default"))) int

namespace {

enum {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  INVALID_DEVICE = 101,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  LAUNCH_FAILED = 719,
  CAPTURE_INVALIDATED = 901,
};

struct Argument {
  void* data;
  uint64_t elements;
};
using Run = const char* (*)(uint32_t, const Argument*, uint32_t, uint32_t, uint32_t);
using Address = unsigned long long;
using Task = std::function<int()>;

struct Module {
  void* library;
  Run run;
  struct Function {
    Module* module;
    uint32_t kernel, arguments;
  };
  std::map<std::string, Function> functions;
};
struct Stream {
  bool capturing = false;
  std::vector<Task> recorded;
};
struct Event {
  bool recorded = false;
  std::chrono::steady_clock::time_point at;
};
struct Graph {
  std::vector<Task> tasks;
};

std::recursive_mutex lock;
int retained = 0;
int sticky = SUCCESS;  // the fault that a kernel left; the device is lost with it
int context;           // its address is the primary context
thread_local std::vector<void*> current;
std::map<Address, size_t> memory;
std::map<void*, size_t> pinned;
std::set<Module*> modules;
std::set<Stream*> streams;
std::set<Event*> events;
std::set<Graph*> graphs, execs;
std::vector<std::string> broken;
std::map<std::string, int> calls;

const char* environment(const char* name, const char* otherwise) {
  const char* value = getenv(name);
  return value != nullptr ? value : otherwise;
}

const size_t capacity = strtoull(environment("CORTADO_DOUBLE_MEMORY", "1073741824"), nullptr, 10);
const int capability = atoi(environment("CORTADO_DOUBLE_CAPABILITY", "90"));
const int cudaVersion = atoi(environment("CORTADO_DOUBLE_CUDA", "13000"));
const int slow = atoi(environment("CORTADO_DOUBLE_SLOW", "0"));

int breaks(const char* function, const char* how, int code) {
  broken.push_back(std::string("protocol: ") + function + ": " + how);
  return code;
}

const std::string logFile = environment("CORTADO_DOUBLE_LOG", "");
const std::map<std::pair<std::string, int>, int> failures = [] {
  std::map<std::pair<std::string, int>, int> parsed;
  std::istringstream list(environment("CORTADO_DOUBLE_FAIL", ""));
  for (std::string one; std::getline(list, one, ',');) {
    const size_t a = one.find(':'), b = one.rfind(':');
    parsed[{one.substr(0, a), atoi(one.c_str() + a + 1)}] = atoi(one.c_str() + b + 1);
  }
  return parsed;
}();

// The failure that the environment demands of this call, if any.
int demanded(const char* function) {
  const auto found = failures.find({function, ++calls[function]});
  return found == failures.end() ? SUCCESS : found->second;
}

// Every entry: one thread at a time, and a failure on demand.
#define ENTER                                            \
  const std::lock_guard<std::recursive_mutex> one(lock); \
  if (const int failure = demanded(__func__)) return failure
#define IN_CONTEXT                                                        \
  ENTER;                                                                  \
  if (current.empty() || retained == 0)                                   \
    return breaks(__func__, "no context is current", INVALID_CONTEXT)
#define KNOWN(set, object) \
  if (set.count(object) == 0) return breaks(__func__, "an object that does not exist", INVALID_HANDLE)

// Bytes from an address to the end of its allocation; 0 when it is in none.
size_t rest(Address address) {
  auto after = memory.upper_bound(address);
  if (after == memory.begin()) return 0;
  --after;
  return address < after->first + after->second ? after->first + after->second - address : 0;
}

// Runs the task, or records it where the stream captures. What a task finds wrong shows at the next wait.
int submit(Stream* stream, Task task) {
  if (sticky != SUCCESS) return sticky;
  if (stream->capturing)
    stream->recorded.push_back(std::move(task));
  else
    sticky = task();
  return SUCCESS;
}

int copy(const char* function, Stream* stream, void* to, const void* from, size_t bytes, Address device) {
  if (rest(device) < bytes) return breaks(function, "bytes outside an allocation", INVALID_VALUE);
  return submit(stream, [=] {
    std::memmove(to, from, bytes);
    return int(SUCCESS);
  });
}

void* host(Address address) { return reinterpret_cast<void*>(address); }

size_t used() {
  size_t sum = 0;
  for (const auto& [address, bytes] : memory) sum += bytes;
  return sum;
}

std::string report() {
  std::ostringstream text;
  const auto count = [&](const char* what, size_t number) {
    if (number > 0) text << "leak: " << number << " " << what << "\n";
  };
  count("allocations", memory.size());
  count("pinned blocks", pinned.size());
  count("modules", modules.size());
  count("streams", streams.size());
  count("events", events.size());
  count("graphs", graphs.size());
  count("executable graphs", execs.size());
  count("primary contexts", static_cast<size_t>(retained));
  for (const auto& line : broken) text << line << "\n";
  return text.str();
}

}  // namespace
