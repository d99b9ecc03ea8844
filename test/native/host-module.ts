/** A host module by hand, as code generation would make one: its kernels by number. */
export const HOST_MODULE = `
#include <chrono>
#include <cstdint>
#include <thread>
struct Argument { void* data; uint64_t elements; };
extern "C" __attribute__((visibility("default"))) const char* cortado_run(
    uint32_t kernel, const Argument* args, uint32_t count, uint32_t blocks, uint32_t threads) {
  auto floats = [&](uint32_t i) { return static_cast<float*>(args[i].data); };
  switch (kernel) {
    case 0:  // add: c = a + b
      if (count != 3) return "add takes three arrays";
      for (uint64_t i = 0; i < uint64_t{blocks} * threads && i < args[2].elements; i++)
        floats(2)[i] = floats(0)[i] + floats(1)[i];
      return nullptr;
    case 1:  // twice: b = 2 a
      for (uint64_t i = 0; i < args[1].elements && i < args[0].elements; i++) floats(1)[i] = 2 * floats(0)[i];
      return nullptr;
    case 2:  // wrong
      return "element 7 of an array of 4 is written";
    case 3:  // slow
      std::this_thread::sleep_for(std::chrono::milliseconds(150));
      return nullptr;
    case 4:  // sizes: what it was given
      for (uint64_t i = 0; i < args[0].elements; i++) static_cast<int32_t*>(args[0].data)[i] = int32_t(blocks * 1000 + threads);
      return nullptr;
  }
  return "no such kernel";
}
`;

/** Its kernels in the order of their numbers, with how many arguments each takes. */
export const HOST_KERNELS = { add: 3, twice: 2, wrong: 1, slow: 1, sizes: 1 } as const;
