// A team of threads that walks lists of launches together. It knows nothing of JavaScript.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

// A kernel of a module: iterations `from` to `to` of its parallel loop over `memory`, with `scratch` of the caller's.
using Kernel = void(void* const* memory, long from, long to, char* scratch);

struct PoolLaunch {
  Kernel* kernel;
  long from, to;
  uint32_t pieces;  // at least 1; what is one piece is done by one thread
  std::vector<void*> memory;
};

// Launches in order: each sees what those before it wrote. `owners` is what their code and memory must outlive.
struct PoolPass {
  std::vector<PoolLaunch> launches;
  std::vector<std::shared_ptr<const void>> owners;
  size_t scratchBytes;  // of each thread, aligned for any vector
  uint32_t threads;     // that work at once at most, the caller's among them
};

// Runs a pass on the calling thread, and on threads of the process's one pool as they come: it does not wait for any
// that has nothing to do. One pass at a time; others wait for their turn. Gives the milliseconds of each launch.
// Throws std::bad_alloc where there is no memory for scratch.
std::vector<double> runPass(const std::shared_ptr<const PoolPass>& pass);
// The same where no other pass has the pool; nothing where one has.
std::optional<std::vector<double>> tryPass(const std::shared_ptr<const PoolPass>& pass);
