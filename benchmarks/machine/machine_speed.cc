// What this machine can do at most, with a number of threads: float32 multiply-adds from registers, reads of memory, copies.
// Prints one line of JSON: {"flops": per second, "read": bytes per second, "copy": bytes per second, read and written}.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vector __attribute__((vector_size(kBytes)));
constexpr int kLanes = kBytes / 4;
/** Enough to hide the latency of a multiply-add on two ports, and few enough to stay in 16 registers. */
constexpr int kAccumulators = 12;
constexpr long kIterations = 20'000'000;
constexpr size_t kBufferBytes = size_t{256} << 20;
constexpr int kRepetitions = 5;

std::atomic<float> sink;

void multiply_add(int) {
  Vector accumulators[kAccumulators] = {};
  Vector factor, term;
  for (int i = 0; i < kLanes; i++) factor[i] = 0.999f, term[i] = 1e-3f;
  // Opaque, or the compiler would know the results.
  asm volatile("" : "+x"(factor), "+x"(term));
  for (long i = 0; i < kIterations; i++)
    for (int a = 0; a < kAccumulators; a++) accumulators[a] = accumulators[a] * factor + term;
  Vector sum = {};
  for (const Vector& one : accumulators) sum += one;
  sink = sum[0];
}

/** The shortest of several runs on all threads at once, in seconds. */
double seconds(int threads, const std::function<void(int)>& work) {
  double least = 1e9;
  for (int repetition = 0; repetition < kRepetitions; repetition++) {
    std::vector<std::thread> team;
    const auto start = std::chrono::steady_clock::now();
    for (int t = 0; t < threads; t++) team.emplace_back(work, t);
    for (std::thread& one : team) one.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (took.count() < least) least = took.count();
  }
  return least;
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  if (threads < 1) return 2;
  const double flops = 2.0 * kLanes * kAccumulators * kIterations * threads;
  const double rate = flops / seconds(threads, multiply_add);

  const size_t part = kBufferBytes / threads / 4096 * 4096;
  char* from = static_cast<char*>(std::aligned_alloc(4096, part * threads));
  char* to = static_cast<char*>(std::aligned_alloc(4096, part * threads));
  if (!from || !to) return 1;
  std::memset(from, 1, part * threads);
  std::memset(to, 2, part * threads);
  const double read = seconds(threads, [&](int t) {
    const Vector* values = reinterpret_cast<const Vector*>(from + part * t);
    Vector sums[8] = {};
    for (size_t i = 0; i < part / kBytes; i += 8)
      for (int s = 0; s < 8; s++) sums[s] += values[i + s];
    Vector sum = {};
    for (const Vector& one : sums) sum += one;
    sink = sum[0];
  });
  const double copy = seconds(threads, [&](int t) { std::memcpy(to + part * t, from + part * t, part); });
  sink = to[part / 2];
  const double bytes = static_cast<double>(part) * threads;
  std::printf("{\"flops\": %.4g, \"read\": %.4g, \"copy\": %.4g}\n", rate, bytes / read, 2 * bytes / copy);
}
