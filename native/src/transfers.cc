// Copies between JavaScript's memory and the device's, through pinned memory, and waiting.
#include <algorithm>
#include <cstring>

#include "context.h"

namespace cortado {

constexpr size_t kSmallest = size_t{64} << 10;  // bytes of a block
constexpr size_t kChunk = size_t{16} << 20;     // a copy to the device is cut into pieces of so many bytes
constexpr size_t kEnough = size_t{64} << 20;    // pinned bytes beyond which a copy waits rather than pins more

Block* Staging::take(const Driver& driver, size_t bytes) {
  // Powers of two, so that blocks fit again; beyond a chunk what was asked for.
  size_t wanted = kSmallest;
  while (wanted < bytes) wanted = wanted < kChunk ? wanted * 2 : bytes;
  Block* busy = nullptr;
  for (const auto& block : blocks) {
    if (block->held || block->bytes < wanted) continue;
    const bool idle = driver.cuEventQuery(block->idle) == CUDA_SUCCESS;
    if (idle || busy == nullptr) busy = block.get();
    if (idle) break;
  }
  if (busy != nullptr && (total + wanted > kEnough || driver.cuEventQuery(busy->idle) == CUDA_SUCCESS)) {
    driver.check(driver.cuEventSynchronize(busy->idle), "waiting for pinned memory");
    busy->held = true;
    return busy;
  }
  const std::string what = "allocating " + std::to_string(wanted) + " bytes of pinned memory";
  auto block = std::make_unique<Block>();
  driver.check(driver.cuEventCreate(&block->idle, CU_EVENT_DISABLE_TIMING), what);
  const CUresult result = driver.cuMemHostAlloc(&block->memory, wanted, 0);
  if (result != CUDA_SUCCESS) driver.cuEventDestroy(block->idle);
  driver.check(result, what);
  total += block->bytes = wanted;
  return blocks.emplace_back(std::move(block)).get();
}

void Staging::give(const Driver& driver, Block* block) {
  block->held = false;
  if (total <= kEnough) return;
  driver.cuEventSynchronize(block->idle);
  destroy(driver, block);
}

void Staging::destroy(const Driver& driver, Block* block) {
  driver.cuMemFreeHost(block->memory);
  driver.cuEventDestroy(block->idle);
  total -= block->bytes;
  blocks.erase(std::find_if(blocks.begin(), blocks.end(), [=](const auto& one) { return one.get() == block; }));
}

namespace {

void copyIn(const Arguments& args) {
  const auto context = contextOf(args);
  CUdeviceptr to = args(1, "to").address();
  const View data = args(2, "data").bytes();
  const Driver& driver = *context->driver;
  context->requireInside(to, data.elements, "copying to the device");
  const Current current(*context);
  for (size_t done = 0; done < data.elements; done += kChunk) {
    const size_t bytes = std::min(data.elements - done, kChunk);
    Block* block = context->staging.take(driver, bytes);
    std::memcpy(block->memory, static_cast<const char*>(data.data) + done, bytes);
    CUresult result = driver.cuMemcpyHtoDAsync(to + done, block->memory, bytes, context->stream);
    if (result == CUDA_SUCCESS) result = driver.cuEventRecord(block->idle, context->stream);
    context->staging.give(driver, block);
    driver.check(result, "copying to the device");
  }
}

// A wait for what was queued when it was made, and perhaps for a block of pinned memory that a copy then has filled.
struct Wait {
  const Hold hold;  // goes last
  const Context& context = *hold.context;
  CUevent event = nullptr;
  Block* block = nullptr;
  Napi::Reference<Napi::Uint8Array> target;

  explicit Wait(std::shared_ptr<Context> owner) : hold(std::move(owner)) {}
  ~Wait() {
    const Current current(context, true);
    if (block != nullptr) hold.context->staging.give(*context.driver, block);
    if (event != nullptr) context.driver->cuEventDestroy(event);
  }
};

Napi::Value copyOut(const Arguments& args) {
  const auto context = contextOf(args);
  const CUdeviceptr from = args(1, "from").address();
  const uint64_t bytes = args(2, "bytes").whole(0, kSafeInteger);
  const Driver& driver = *context->driver;
  const char* what = "copying from the device";
  context->requireInside(from, bytes, what);
  const auto wait = std::make_shared<Wait>(context);
  const Current current(*context);
  const Block* block = wait->block = context->staging.take(driver, bytes);
  // Nobody but the thread that fills it knows this array until the promise resolves with it.
  auto target = Napi::Uint8Array::New(args.env, bytes);
  wait->target = Napi::Persistent(target);
  if (bytes > 0) driver.check(driver.cuMemcpyDtoHAsync(block->memory, from, bytes, context->stream), what);
  driver.check(driver.cuEventRecord(block->idle, context->stream), what);
  return promise(
      args.env,
      [wait, block, bytes, what, to = target.Data()] {
        const Current current(wait->context);
        wait->context.check(wait->context.driver->cuEventSynchronize(block->idle), what);
        if (bytes > 0) std::memcpy(to, block->memory, bytes);
      },
      [wait](Napi::Env) { return wait->target.Value(); });
}

Napi::Value synchronize(const Arguments& args) {
  const auto wait = std::make_shared<Wait>(contextOf(args));
  const Context& context = wait->context;
  const char* what = "waiting for the device";
  const Current current(context);
  context.check(context.driver->cuEventCreate(&wait->event, CU_EVENT_DISABLE_TIMING), what);
  context.check(context.driver->cuEventRecord(wait->event, context.stream), what);
  return promise(
      args.env,
      [wait, what] {
        const Current current(wait->context);
        wait->context.check(wait->context.driver->cuEventSynchronize(wait->event), what);
      },
      [](Napi::Env env) { return env.Undefined(); });
}

}  // namespace

void defineTransfers(Napi::Object exports) {
  define<copyIn>(exports, "copyIn");
  define<copyOut>(exports, "copyOut");
  define<synchronize>(exports, "synchronize");
}

}  // namespace cortado
