/** A native module by hand, as code generation would make one. */
export const NATIVE_MODULE = `
typedef void Kernel(void* const* memory, long from, long to, char* scratch);
static void add(void* const* memory, long from, long to, char*) {  // c = a + b
  for (long i = from; i < to; i++)
    ((float*)memory[2])[i] = ((const float*)memory[0])[i] + ((const float*)memory[1])[i];
}
static void twice(void* const* memory, long from, long to, char*) {  // b = 2 a
  for (long i = from; i < to; i++) ((float*)memory[1])[i] = 2 * ((const float*)memory[0])[i];
}
static void slow(void* const* memory, long from, long to, char*) {  // counts up, for long
  for (long i = from; i < to; i++)
    for (int n = 0; n < 2000; n++) ((volatile float*)memory[0])[i] = ((volatile float*)memory[0])[i] + 1;
}
static void ranges(void* const* memory, long from, long to, char*) {  // where each range began, and how long it was
  for (long i = from; i < to; i++) {
    ((int*)memory[0])[i] = (int)from;
    ((int*)memory[1])[i] = (int)(to - from);
  }
}
static void workspace(void* const* memory, long from, long to, char* scratch) {  // sums in scratch of 1 MiB
  float* const own = (float*)scratch;
  for (long i = from; i < to; i++) {
    for (int n = 0; n < 1 << 18; n++) own[n] = (float)i;
    float sum = 0;
    for (int n = 0; n < 1 << 18; n += 1 << 10) sum += own[n];
    ((double*)memory[0])[i] = sum + ((unsigned long)scratch % 64 != 0);
  }
}
static void reversed(void* const* memory, long from, long to, char*) {  // needs all of what came before
  const long last = ((const int*)memory[2])[0] - 1;
  for (long i = from; i < to; i++)
    ((float*)memory[1])[i] = ((const float*)memory[0])[last - i] + 1;
}
extern "C" __attribute__((visibility("default"))) const struct {
  long count;
  Kernel* kernels[6];
} cortado_kernels = {6, {add, twice, slow, ranges, workspace, reversed}};
`;

/** Its kernels by their numbers. */
export const NATIVE_KERNELS = { add: 0, twice: 1, slow: 2, ranges: 3, workspace: 4, reversed: 5 } as const;
