// What the processor of this machine has, as far as kernels are shaped by it.
#include <unistd.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include "common.h"

namespace {

struct Vectors {
  const char* architecture;
  int bytes;
  bool fma;
};

Vectors vectors() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool fma = __builtin_cpu_supports("fma");
  // All four are what compilers take "avx512" to be; the builtins ask the operating system as well.
  if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return {"avx512", 64, true};
  if (fma && __builtin_cpu_supports("avx2")) return {"avx2", 32, true};
  return {"sse", 16, false};
#else
  return {"neon", 16, true};
#endif
}

// Bytes of a data cache of one core (the last one may be shared); 0 where the system does not say.
double cacheBytes(int level) {
#if defined(__APPLE__)
  static const char* const names[] = {"hw.l1dcachesize", "hw.l2cachesize", "hw.l3cachesize"};
  int64_t bytes = 0;
  size_t length = sizeof(bytes);
  return sysctlbyname(names[level - 1], &bytes, &length, nullptr, 0) == 0 ? static_cast<double>(bytes) : 0;
#elif defined(_SC_LEVEL1_DCACHE_SIZE)
  static const int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  const long bytes = sysconf(names[level - 1]);
  return bytes > 0 ? static_cast<double>(bytes) : 0;
#else
  (void)level;
  return 0;
#endif
}

}  // namespace

Napi::Value processor(const Arguments& args) {
  const auto [architecture, bytes, fma] = vectors();
  auto found = Napi::Object::New(args.env);
  found.Set("architecture", architecture);
  found.Set("vectorBytes", bytes);
  found.Set("fma", fma);
  found.Set("l1Bytes", cacheBytes(1));
  found.Set("l2Bytes", cacheBytes(2));
  found.Set("l3Bytes", cacheBytes(3));
  return found;
}
