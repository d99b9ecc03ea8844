// Part of "cortado.h", which includes it: the state of the launch that runs, memory, and the fibres that a block's threads are.
#pragma once

namespace cortado_emulator {

constexpr unsigned WARP = 32;
constexpr unsigned MOST_THREADS = 1024;

// ---- The state of the launch that runs ---------------------------------------------------------------------------
//
// An access is remembered as one 64-bit stamp: the phase it fell in (40 bits), the thread (10), its line (12), and
// two flags (2). A phase is a stretch of one block between two barriers; phases are counted up over the whole life
// of the module, so that a stamp that is less than the launch's first is from an earlier launch and means nothing:
// no stamp is ever cleared.

typedef uint64_t Stamp;
constexpr int LINE_SHIFT = 2, THREAD_SHIFT = 14, PHASE_SHIFT = 24;
constexpr Stamp MANY = 1;     // of a read: other threads read the word in this phase too
constexpr Stamp FOREIGN = 2;  // of a read: a thread of an earlier block of the launch read the word too
constexpr int LAST_LINE = 4095;

struct State {
  Stamp launch, block, phase;  // the least stamp of the launch, of the block, and of the phase that run
  Stamp self;                  // `phase` with the thread that runs
  const char* symbol;
  bool found;
};
static State state;
static char finding[1024];

/** An index with the line of the kernel's source that it is on. */
struct At {
  int64_t index;
  int line;
  At(int64_t i, int at = __builtin_LINE()) : index(i), line(at) {}
};

static inline Stamp mine(int line) {
  return state.self | static_cast<Stamp>(line < LAST_LINE ? line : LAST_LINE) << LINE_SHIFT;
}
static inline bool same_thread(Stamp a, Stamp b) { return ((a ^ b) >> THREAD_SHIFT) == 0; }
static inline unsigned thread_of(Stamp a) { return (a >> THREAD_SHIFT) & (MOST_THREADS - 1); }
static inline int line_of(Stamp a) { return static_cast<int>(a >> LINE_SHIFT) & LAST_LINE; }

// ---- Memory that grows by being mapped afresh: zeros cost nothing until they are touched --------------------------

template <class T>
struct Pool {
  T* data;
  uint64_t capacity;
  bool reserve(uint64_t count) {
    if (count <= capacity) return true;
    release();
    void* got = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return false;
    data = static_cast<T*>(got);
    capacity = count;
    return true;
  }
  void release() {
    if (data) munmap(data, capacity * sizeof(T));
    data = nullptr;
    capacity = 0;
  }
};

static Pool<Stamp> writers, readers;  // one stamp a global word that the launch may write
static Pool<Stamp> firsts;            // the least stamp of each block of the launch

/** The block that a stamp of this launch was made in. */
static inline unsigned block_of(Stamp stamp) {
  unsigned low = 0, high = blockIdx.x;
  while (low < high) {
    const unsigned middle = high - (high - low) / 2;
    if (firsts.data[middle] <= stamp) low = middle;
    else high = middle - 1;
  }
  return low;
}

// ---- Fibres ------------------------------------------------------------------------------------------------------

// A kernel calls nothing deep, so its own frame tells what it needs: the compiler is told to refuse one of more than
// 192 KiB (runtime/devices/emulator/emulator-module.ts), and no stack needs a page to guard it.
// 17 lines more: stacks that start at the same place of a page would all fall in the same few lines of the caches.
constexpr size_t STACK = 256 * 1024 + 17 * 64;

#ifdef CORTADO_OWN_SWITCH
typedef void* Context;
// Saves what a call must preserve, and the stack, in one context; goes on where another was saved.
extern "C" __attribute__((visibility("hidden"))) void cortado_switch(Context* from, const Context* to);
asm(R"(
  .pushsection .text
  .type cortado_switch, @function
  .hidden cortado_switch
  .globl cortado_switch
cortado_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq (%rsi), %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size cortado_switch, .-cortado_switch
  .popsection
)");
static inline void prepare(Context* context, char* stack, size_t bytes, void (*entry)()) {
  void** top = reinterpret_cast<void**>(stack + bytes);
  // From the top: room for a return address (never used), where to go on, six registers.
  memset(top - 8, 0, 8 * sizeof(void*));
  top[-2] = reinterpret_cast<void*>(entry);
  *context = top - 8;
}
#else
typedef ucontext_t Context;
static inline void cortado_switch(Context* from, const Context* to) { swapcontext(from, to); }
static inline void prepare(Context* context, char* stack, size_t bytes, void (*entry)()) {
  getcontext(context);
  context->uc_stack.ss_sp = stack;
  context->uc_stack.ss_size = bytes;
  context->uc_link = nullptr;
  makecontext(context, entry, 0);
}
#endif

enum class Wait : uint8_t { nothing, barrier, shuffle, ended };

struct Fibre {
  Context context;
  Wait wait;
  int line;       // where it waits
  uint32_t bits;  // what it brings to a shuffle, and takes from it
  unsigned lane;  // the xor of a shuffle
};

static Fibre fibres[MOST_THREADS];
static Context scheduler;
static bool on_fibres;  // whether each thread has a fibre of its own
static Pool<char> stacks;

static inline char* stack_of(unsigned thread) { return stacks.data + thread * STACK; }

static inline void start(unsigned thread, void (*entry)()) {
  fibres[thread].wait = Wait::nothing;
  prepare(&fibres[thread].context, stack_of(thread), STACK, entry);
}

}  // namespace cortado_emulator
