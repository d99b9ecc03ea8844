// Launches and copies: as one graph, captured from a stream and launched at once, or one by one between events.
#include "context.h"

namespace cortado {
namespace {

// One step of a pass: a launch (`module` is there), or a copy.
struct Item {
  std::shared_ptr<Module> module;
  std::string symbol;
  CUfunction function = nullptr;
  unsigned blocks = 0, threads = 0;
  std::vector<CUdeviceptr> args;
  CUdeviceptr from = 0, to = 0;
  uint64_t bytes = 0;
  std::string name() const { return module != nullptr ? "launching kernel " + symbol : "copying on the device"; }
};

Item readItem(const Given& given) {
  Item item;
  if (const Given module = given.field("module"); !module.value.IsUndefined()) {
    item.module = module.handle<Module>("CUDA module");
    item.symbol = given.field("symbol").text();
    item.blocks = static_cast<unsigned>(given.field("blocks").whole(1, kInt32));
    item.threads = static_cast<unsigned>(given.field("threads").whole(1, 1024));
    const View args = given.field("args").array(napi_biguint64_array, "a BigUint64Array");
    const auto* addresses = static_cast<const uint64_t*>(args.data);
    item.args.assign(addresses, addresses + args.elements);
  } else {
    item.from = given.field("from").address();
    item.to = given.field("to").address();
    item.bytes = given.field("bytes").whole(0, kSafeInteger);
  }
  return item;
}

std::vector<Item> readItems(const Given& given) {
  std::vector<Item> items;
  for (const Given& one : given.list()) items.push_back(readItem(one));
  return items;
}

// Finds the function of an item. The driver reads as many arguments as a kernel has: a list of another length is refused
// where the driver can tell.
void resolve(const Context& context, Item& item) {
  const Driver& driver = *context.driver;
  if (item.module == nullptr) {
    context.requireInside(item.from, item.bytes, item.name());
    context.requireInside(item.to, item.bytes, item.name());
    return;
  }
  if (item.module->context.get() != &context)
    throw std::runtime_error(item.name() + " failed: its module belongs to another context");
  driver.check(driver.cuModuleGetFunction(&item.function, item.module->module, item.symbol.c_str()),
               "finding kernel " + item.symbol);
  const size_t count = item.args.size();
  const auto takes = [&](size_t index, size_t offset = 0, size_t bytes = 0) {
    return driver.cuFuncGetParamInfo(item.function, index, &offset, &bytes) == CUDA_SUCCESS;
  };
  if (driver.cuFuncGetParamInfo != nullptr && (takes(count) || (count > 0 && !takes(count - 1))))
    throw std::runtime_error(item.name() + " failed: it does not take " + std::to_string(count) + " arguments");
}

void queue(const Driver& driver, Item& item, CUstream stream) {
  std::vector<void*> parameters;
  for (CUdeviceptr& address : item.args) parameters.push_back(&address);
  CUresult result = CUDA_SUCCESS;
  if (item.module != nullptr)
    result = driver.cuLaunchKernel(item.function, item.blocks, 1, 1, item.threads, 1, 1, 0, stream, parameters.data(),
                                   nullptr);
  else if (item.bytes > 0)
    result = driver.cuMemcpyDtoDAsync(item.to, item.from, item.bytes, stream);
  driver.check(result, item.name());
}

struct Graph : Resource {
  const std::shared_ptr<Context> context;
  std::vector<Item> items;  // their modules stay loaded as long as the graph
  CUgraphExec exec = nullptr;

  Graph(std::shared_ptr<Context> owner, std::vector<Item> given) : context(std::move(owner)), items(std::move(given)) {
    const Current current(*context);
    for (Item& item : items) resolve(*context, item);
    const auto graph = capture();
    context->check(context->driver->cuGraphInstantiate(&exec, graph.get(), 0), "building a graph");
    context->graphs.insert(this);
  }
  ~Graph() override { close(); }

  std::unique_ptr<CUgraph_st, Driver::Call<CUgraph>> capture() {
    const Driver& driver = *context->driver;
    const CUstream stream = context->captureStream;
    driver.check(driver.cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), "capturing a graph");
    std::exception_ptr failure;
    try {
      for (Item& item : items) queue(driver, item, stream);
    } catch (...) {
      failure = std::current_exception();
    }
    CUgraph captured = nullptr;
    const CUresult ended = driver.cuStreamEndCapture(stream, &captured);  // also then, or the stream is lost
    std::unique_ptr<CUgraph_st, Driver::Call<CUgraph>> graph(captured, driver.cuGraphDestroy);
    if (failure != nullptr) std::rethrow_exception(failure);
    driver.check(ended, "capturing a graph");
    return graph;
  }

  // A graph that still runs is freed by the driver when it has ended.
  void close() override {
    if (exec == nullptr) return;
    const Current current(*context, true);
    context->driver->cuGraphExecDestroy(exec);
    exec = nullptr;
    context->graphs.erase(this);
  }
};

Napi::Value graphBuild(const Arguments& args) {
  auto items = readItems(args(1, "items"));  // first: a getter among them might close the context
  return Environment::wrap(args.env, std::make_shared<Graph>(contextOf(args), std::move(items)));
}

void graphLaunch(const Arguments& args) {
  const auto graph = args(0, "graph").handle<Graph>("CUDA graph");
  const Context& context = *graph->context;
  context.requireOpen();
  if (graph->exec == nullptr) throw std::runtime_error("the CUDA graph is closed");
  const Current current(context);
  context.check(context.driver->cuGraphLaunch(graph->exec, context.stream), "launching a graph");
}

void graphClose(const Arguments& args) { args(0, "graph").handle<Graph>("CUDA graph")->close(); }

struct Profile {
  const Hold hold;  // goes last
  std::vector<Item> items;
  std::vector<double> times;

  // All is queued before anything is waited for, so that the times hold no waiting for this thread.
  void run() {
    const Context& context = *hold.context;
    const Driver& driver = *context.driver;
    const Current current(context);
    std::vector<std::unique_ptr<CUevent_st, Driver::Call<CUevent>>> events;
    const auto record = [&] {
      CUevent event = nullptr;
      driver.check(driver.cuEventCreate(&event, CU_EVENT_DEFAULT), "profiling");
      events.emplace_back(event, driver.cuEventDestroy);
      driver.check(driver.cuEventRecord(event, context.stream), "profiling");
    };
    record();
    for (Item& item : items) {
      queue(driver, item, context.stream);
      record();
    }
    // In order, so that a fault is met at the first item that has not ended.
    for (size_t i = 0; i < items.size(); i++) {
      float elapsed = 0;
      driver.check(driver.cuEventSynchronize(events[i + 1].get()), items[i].name());
      driver.check(driver.cuEventElapsedTime(&elapsed, events[i].get(), events[i + 1].get()), items[i].name());
      times.push_back(elapsed);
    }
  }
};

Napi::Value profile(const Arguments& args) {
  auto items = readItems(args(1, "items"));
  const std::shared_ptr<Profile> work(new Profile{Hold(contextOf(args)), std::move(items), {}});
  const Current current(*work->hold.context);
  for (Item& item : work->items) resolve(current.owner, item);
  return promise(
      args.env, [work] { work->run(); }, [work](Napi::Env env) { return milliseconds(env, work->times); });
}

}  // namespace

void defineGraphs(Napi::Object exports) {
  define<graphBuild>(exports, "graphBuild");
  define<graphLaunch>(exports, "graphLaunch");
  define<graphClose>(exports, "graphClose");
  define<profile>(exports, "profile");
}

}  // namespace cortado
