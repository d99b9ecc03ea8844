// Launches and copies: as one graph, captured from a stream and launched at once, or one by one between events.
#include "cuda.h"

// One step of a pass: a launch (`module` is there), or a copy.
struct Item {
  std::shared_ptr<Module> module;
  std::string symbol;
  CUfunction function = nullptr;
  unsigned blocks = 0, threads = 0;
  std::vector<CUdeviceptr> args;
  CUdeviceptr from = 0, to = 0;
  uint64_t bytes = 0;
  explicit Item(const Given& given) {
    if (const Given loaded = given.field("module"); !loaded.value.IsUndefined()) {
      module = loaded.handle<Module>("CUDA module");
      symbol = given.field("symbol").text();
      blocks = given.field("blocks").whole(1, kInt32);
      threads = given.field("threads").whole(1, 1024);
      const View view = given.field("args").array({napi_biguint64_array}, "a BigUint64Array");
      const auto* addresses = static_cast<const uint64_t*>(view.data);
      args.assign(addresses, addresses + view.elements);
    } else {
      from = given.field("from").address();
      to = given.field("to").address();
      bytes = given.field("bytes").whole(0, kSafeInteger);
    }
  }
  std::string name() const { return module != nullptr ? "launching kernel " + symbol : "copying on the device"; }
  // Checks it against the context and finds its function. The driver reads as many arguments as a kernel has: a list of
  // another length is refused where the driver can tell.
  void resolve(const Context& context) {
    const Driver& driver = *context.driver;
    if (module == nullptr) {
      context.requireInside(from, bytes, name());
      context.requireInside(to, bytes, name());
      return;
    }
    if (module->context.get() != &context) throw Failure(name(), "its module belongs to another context");
    const CUresult found = driver.cuModuleGetFunction(&function, module->module, symbol.c_str());
    driver.check(found, "finding kernel " + symbol);
    const auto takes = [&](size_t index, size_t offset = 0, size_t size = 0) {
      return driver.cuFuncGetParamInfo(function, index, &offset, &size) == CUDA_SUCCESS;
    };
    const size_t count = args.size();
    if (driver.cuFuncGetParamInfo != nullptr && (takes(count) || (count > 0 && !takes(count - 1))))
      throw Failure(name(), "it does not take " + std::to_string(count) + " arguments");
  }

  CUresult queue(const Driver& driver, CUstream stream) {
    if (module == nullptr) return bytes == 0 ? CUDA_SUCCESS : driver.cuMemcpyDtoDAsync(to, from, bytes, stream);
    std::vector<void*> pointers;
    for (CUdeviceptr& address : args) pointers.push_back(&address);
    return driver.cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, stream, pointers.data(), nullptr);
  }
};

// The second argument as what the context of the first can run.
static std::vector<Item> passOf(const Arguments& args) {
  std::vector<Item> items;
  for (const Given& given : args(1, "items").list()) items.emplace_back(given);
  const auto context = contextOf(args);  // only now: a getter of an item might have closed it
  const Current now = context->current();
  for (Item& item : items) item.resolve(*context);
  return items;
}

struct Graph : Resource {
  std::vector<Item> items;  // their modules stay loaded as long as the graph
  const std::shared_ptr<Context> context;
  CUgraphExec exec = nullptr;

  Graph(std::vector<Item> given, std::shared_ptr<Context> owner) : items(std::move(given)), context(std::move(owner)) {
    const Driver& driver = *context->driver;
    const CUstream stream = context->captureStream;
    const Current now = context->current();
    driver.check(driver.cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), "capturing a graph");
    CUresult queued = CUDA_SUCCESS;
    size_t count = 0;
    while (count < items.size() && queued == CUDA_SUCCESS) queued = items[count++].queue(driver, stream);
    CUgraph captured = nullptr;
    const CUresult ended = driver.cuStreamEndCapture(stream, &captured);  // always, or the stream is lost
    const Owned<CUgraph_st> graph(captured, driver.cuGraphDestroy);
    if (queued != CUDA_SUCCESS) driver.check(queued, items[count - 1].name());
    driver.check(ended, "capturing a graph");
    driver.check(driver.cuGraphInstantiate(&exec, captured, 0), "building a graph");
    context->parts.push_back(this);
  }
  ~Graph() override { close(); }
  // A graph that still runs is freed by the driver when it has ended.
  void close() override {
    if (exec == nullptr) return;
    const Current now = context->current(true);
    context->driver->cuGraphExecDestroy(exec);
    exec = nullptr;
    context->parts.remove(this);
  }
};

Napi::Value graphBuild(const Arguments& args) {
  auto items = passOf(args);
  return wrap(args.env, std::make_shared<Graph>(std::move(items), contextOf(args)));
}

Napi::Value graphLaunch(const Arguments& args) {
  const auto graph = args(0, "graph").handle<Graph>("CUDA graph");
  const Context& context = *graph->context;
  context.requireOpen();
  if (graph->exec == nullptr) throw std::runtime_error("the CUDA graph is closed");
  const Current now = context.current();
  context.check(context.driver->cuGraphLaunch(graph->exec, context.stream), "launching a graph");
  return args.env.Undefined();
}

Napi::Value graphClose(const Arguments& args) { return close<Graph>(args, "graph", "CUDA graph"); }

Napi::Value profile(const Arguments& args) {
  struct Profile {
    const Hold hold;  // goes last
    std::vector<Item> items;
    std::vector<double> times;
  };
  auto items = passOf(args);
  const std::shared_ptr<Profile> work(new Profile{Hold(contextOf(args)), std::move(items), {}});
  const auto run = [work] {
    const Context& context = *work->hold.context;
    const Driver& driver = *context.driver;
    const Current now = context.current();
    // All is queued before anything is waited for, so that the times hold no waiting for this thread.
    std::vector<Event> events;
    events.push_back(context.record(CU_EVENT_DEFAULT, "profiling"));
    for (Item& item : work->items) {
      driver.check(item.queue(driver, context.stream), item.name());
      events.push_back(context.record(CU_EVENT_DEFAULT, "profiling"));
    }
    // In order, so that a fault is met at the first item that has not ended.
    for (size_t i = 0; i < work->items.size(); i++) {
      const std::string what = work->items[i].name();
      float elapsed = 0;
      driver.check(driver.cuEventSynchronize(events[i + 1].get()), what);
      driver.check(driver.cuEventElapsedTime(&elapsed, events[i].get(), events[i + 1].get()), what);
      work->times.push_back(elapsed);
    }
  };
  return promise(args.env, run, [work](Napi::Env env) { return typedArray<double>(env, work->times); });
}
