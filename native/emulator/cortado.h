// The emulator's side of "cortado.h": what a generated CUDA kernel needs to compile, unchanged, as C++17 for the
// CPU. Blocks run in turn; the threads of a block are fibres that change places at __syncthreads and at shuffles,
// or, in a kernel without either, plain calls. See README.md beside this file for what is detected and how.
#ifndef CORTADO_EMULATOR_H
#define CORTADO_EMULATOR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__) && defined(__ELF__) && !defined(CORTADO_UCONTEXT)
#define CORTADO_OWN_SWITCH 1
#else
#include <ucontext.h>
#endif

#define CORTADO_EXPORT __attribute__((visibility("default")))
#define CORTADO_COLD __attribute__((noinline, cold))

// ---- What a kernel may call ------------------------------------------------------------------------------------

// Declared here because C++'s own <math.h> takes longer to read than a small program's kernels. The compiler knows
// these functions by name.
extern "C" {
float expf(float) noexcept;
float expm1f(float) noexcept;
float fabsf(float) noexcept;
float floorf(float) noexcept;
float fmaf(float, float, float) noexcept;
float log1pf(float) noexcept;
float logf(float) noexcept;
float powf(float, float) noexcept;
float sqrtf(float) noexcept;
float tanhf(float) noexcept;
}

static inline int min(int a, int b) { return b < a ? b : a; }
static inline int max(int a, int b) { return a < b ? b : a; }
static inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<uint64_t>(a) * b) >> 32);
}
static inline int __float_as_int(float value) {
  int bits;
  memcpy(&bits, &value, 4);
  return bits;
}
static inline float __int_as_float(int bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
static inline unsigned __float_as_uint(float value) { return static_cast<unsigned>(__float_as_int(value)); }
static inline float __uint_as_float(unsigned bits) { return __int_as_float(static_cast<int>(bits)); }

namespace cortado_emulator {

struct Index {
  unsigned x;
  enum : unsigned { y = 0, z = 0 };
};
struct Extent {
  unsigned x;
  enum : unsigned { y = 1, z = 1 };
};

}  // namespace cortado_emulator

static cortado_emulator::Index threadIdx, blockIdx;
static cortado_emulator::Extent blockDim, gridDim;

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

// ---- Findings ----------------------------------------------------------------------------------------------------

/** Keeps what was found; the first finding of a launch is the one that is told. */
__attribute__((format(printf, 2, 3))) CORTADO_COLD static void note(int line, const char* format, ...) {
  if (state.found) return;
  state.found = true;
  int used = line > 0 ? snprintf(finding, sizeof finding, "kernel %s, line %d: ", state.symbol, line)
                      : snprintf(finding, sizeof finding, "kernel %s: ", state.symbol);
  va_list rest;
  va_start(rest, format);
  if (used >= 0 && static_cast<size_t>(used) < sizeof finding)
    vsnprintf(finding + used, sizeof finding - used, format, rest);
  va_end(rest);
}

/** Leaves the kernel for good. */
[[noreturn]] CORTADO_COLD static void leave() {
  cortado_switch(&fibres[on_fibres ? threadIdx.x : 0].context, &scheduler);
  __builtin_unreachable();
}

/** The array that an access is to: one of the kernel's arguments, or a shared array. */
struct Place {
  const char* shared;  // its name, or null
  unsigned argument;
  uint64_t elements;
};

static inline const char* name_of(const Place& place, char (&text)[64]) {
  if (place.shared) snprintf(text, sizeof text, "shared array %s", place.shared);
  else snprintf(text, sizeof text, "argument %u", place.argument);
  return text;
}

[[noreturn, maybe_unused]] CORTADO_COLD static void outside(const Place& place, At at, const char* does) {
  char text[64];
  note(at.line, "thread %u of block %u %s element %lld of %s, which has %llu", threadIdx.x, blockIdx.x, does,
       static_cast<long long>(at.index), name_of(place, text), static_cast<unsigned long long>(place.elements));
  leave();
}

[[noreturn, maybe_unused]] CORTADO_COLD static void unwritten(const Place& place, At at) {
  note(at.line, "thread %u of block %u reads element %lld of shared array %s, which no thread of the block wrote",
       threadIdx.x, blockIdx.x, static_cast<long long>(at.index), place.shared);
  leave();
}

[[noreturn]] CORTADO_COLD static void race(const Place& place, At at, const char* does, const char* did, Stamp other) {
  char text[64], who[64], where[32] = "";
  const bool here = other >= state.block && !(other & FOREIGN);
  if (other & FOREIGN) snprintf(who, sizeof who, "a thread of an earlier block");
  else if (!here) snprintf(who, sizeof who, "thread %u of block %u", thread_of(other), block_of(other));
  else if (thread_of(other) == threadIdx.x) snprintf(who, sizeof who, "another thread");
  else snprintf(who, sizeof who, "thread %u", thread_of(other));
  if (thread_of(other) != threadIdx.x || !here) snprintf(where, sizeof where, " on line %d", line_of(other));
  if (other & FOREIGN) where[0] = 0;
  note(at.line, "thread %u of block %u %s element %lld of %s, a word that %s %s%s, %s", threadIdx.x, blockIdx.x, does,
       static_cast<long long>(at.index), name_of(place, text), who, did, where,
       here ? "with no barrier between" : "and nothing orders two blocks");
  leave();
}

// ---- Races -------------------------------------------------------------------------------------------------------

/**
 * A read of a word. `first` is the least stamp that counts: that of the launch for a global word, that of the block
 * for a shared one. A call, not inline: the same code at each access would cost the compiler more than calls cost.
 */
static __attribute__((noinline)) void check_read(const Place& place, At at, Stamp* writer, Stamp* reader,
                                                 Stamp first) {
  const Stamp w = *writer, r = *reader, me = mine(at.line);
  if (__builtin_expect(w >= state.phase ? !same_thread(w, me) : w >= first && w < state.block, 0))
    race(place, at, "reads", "wrote", w);
  const Stamp joined = same_thread(r, me) ? r : r | MANY;
  const Stamp later = me | (r >= first ? (r & FOREIGN) | (r < state.block ? FOREIGN : 0) : 0);
  *reader = r >= state.phase ? joined : later;
}

static __attribute__((noinline)) void check_write(const Place& place, At at, Stamp* writer, Stamp* reader,
                                                  Stamp first) {
  const Stamp w = *writer, r = *reader, me = mine(at.line);
  if (__builtin_expect(w >= first && (w >= state.phase ? !same_thread(w, me) : w < state.block), 0))
    race(place, at, "writes", "wrote", w);
  if (__builtin_expect(r >= first, 0)) {
    const bool now = r >= state.phase && (!same_thread(r, me) || (r & MANY));
    if (now || r < state.block || (r & FOREIGN)) race(place, at, "writes", "read", now ? r & ~FOREIGN : r);
  }
  *writer = me;
}

// ---- The arrays of a kernel --------------------------------------------------------------------------------------

/** One argument of a launch; `writer` and `reader` are null where no argument of the launch can write its words. */
struct Slot {
  void* data;
  Place place;
  Stamp* writer;
  Stamp* reader;
};

/** An element that is read by being converted and written by being assigned. */
template <class Array, class T>
struct Element {
  const Array& array;
  At at;
  operator T() const { return array.read(at); }
  const Element& operator=(T value) const { array.write(at, value); return *this; }
  const Element& operator=(const Element& other) const { return *this = static_cast<T>(other); }
  const Element& operator+=(T value) const { return *this = static_cast<T>(*this) + value; }
  const Element& operator-=(T value) const { return *this = static_cast<T>(*this) - value; }
  const Element& operator*=(T value) const { return *this = static_cast<T>(*this) * value; }
  const Element& operator/=(T value) const { return *this = static_cast<T>(*this) / value; }
};

#ifdef CORTADO_UNCHECKED

template <class T>
using Argument = T*;
template <class T>
struct Parameter;
template <class T>
struct Parameter<T*> {
  static constexpr bool writes = true;
  static T* of(const Slot& slot) { return static_cast<T*>(slot.data); }
};
template <class T>
struct Parameter<const T*> {
  static constexpr bool writes = false;
  static const T* of(const Slot& slot) { return static_cast<const T*>(slot.data); }
};

/** At the start of a block, what is in shared memory is no number: NaN as a float, 0x7fdeadbe as an integer. */
template <class T, int count>
static inline void poison(T (&array)[count], Stamp& block) {
  if (block == state.block) return;
  block = state.block;
  const uint32_t bits = 0x7fdeadbe;
  for (int i = 0; i < count; i++) memcpy(&array[i], &bits, 4);
}

#else

template <class T>
struct Argument {
  static_assert(sizeof(T) == 4, "a race is looked for in words of four bytes");
  T* data;
  const Slot* slot;
  uint64_t elements;
  Stamp* writer;
  Stamp* reader;

  T read(At at) const {
    if (__builtin_expect(static_cast<uint64_t>(at.index) >= elements, 0)) outside(slot->place, at, "reads");
    if (writer) check_read(slot->place, at, writer + at.index, reader + at.index, state.launch);
    return data[at.index];
  }
  void write(At at, T value) const {
    if (__builtin_expect(static_cast<uint64_t>(at.index) >= elements, 0)) outside(slot->place, at, "writes");
    check_write(slot->place, at, writer + at.index, reader + at.index, state.launch);
    data[at.index] = value;
  }
  Element<Argument, T> operator[](At at) const { return {*this, at}; }
};
template <class T>
struct Argument<const T> : Argument<T> {
  T operator[](At at) const { return this->read(at); }
};
template <class P>
struct Parameter;
template <class T>
struct Parameter<Argument<T>> {
  static constexpr bool writes = true;
  static Argument<T> of(const Slot& slot) {
    return {static_cast<T*>(slot.data), &slot, slot.place.elements, slot.writer, slot.reader};
  }
};
template <class T>
struct Parameter<Argument<const T>> {
  static constexpr bool writes = false;
  static Argument<const T> of(const Slot& slot) { return {Parameter<Argument<T>>::of(slot)}; }
};

template <class T, int count>
struct Shared {
  static_assert(sizeof(T) == 4, "a race is looked for in words of four bytes");
  mutable T data[count];
  mutable Stamp writer[count];
  mutable Stamp reader[count];
  const char* called;

  Place place() const { return {called, 0, count}; }
  T read(At at) const {
    if (__builtin_expect(static_cast<uint64_t>(at.index) >= count, 0)) outside(place(), at, "reads");
    // Almost always: written in this block, in a phase before this one.
    const Stamp w = writer[at.index], r = reader[at.index], me = mine(at.line);
    if (__builtin_expect(w - state.block >= state.phase - state.block, 0)) {
      if (w < state.block) unwritten(place(), at);
      if (!same_thread(w, me)) race(place(), at, "reads", "wrote", w);
    }
    reader[at.index] = r < state.phase ? me : same_thread(r, me) ? r : r | MANY;
    return data[at.index];
  }
  void write(At at, T value) const {
    if (__builtin_expect(static_cast<uint64_t>(at.index) >= count, 0)) outside(place(), at, "writes");
    check_write(place(), at, writer + at.index, reader + at.index, state.block);
    data[at.index] = value;
  }
  Element<Shared, T> operator[](At at) const { return {*this, at}; }
};

#endif

// ---- Barriers and shuffles ---------------------------------------------------------------------------------------

static inline void take_turn(unsigned thread) {
  threadIdx.x = thread;
  state.self = state.phase | static_cast<Stamp>(thread) << THREAD_SHIFT;
}

/** Stops the thread that runs until the scheduler lets it go on. */
__attribute__((noinline)) static void wait(Wait what, int line) {
  Fibre& fibre = fibres[threadIdx.x];
  fibre.wait = what;
  fibre.line = line;
  cortado_switch(&fibre.context, &scheduler);
  asm volatile("" ::: "memory");  // other threads ran: nothing in memory is as it was
}

static inline uint32_t shuffle(unsigned mask, uint32_t bits, int lane, int line) {
  if (mask != 0xffffffffu || lane < 0 || lane >= static_cast<int>(WARP)) {
    note(line, "thread %u of block %u: a shuffle has the mask 0x%x and the lane mask %d; the emulator knows full masks",
         threadIdx.x, blockIdx.x, mask, lane);
    leave();
  }
  Fibre& fibre = fibres[threadIdx.x];
  fibre.bits = bits;
  fibre.lane = static_cast<unsigned>(lane);
  wait(Wait::shuffle, line);
  return fibre.bits;
}

/** "thread 3 waits at __syncthreads on line 7" */
static inline const char* describe(unsigned thread, char (&text)[96]) {
  const Fibre& fibre = fibres[thread];
  if (fibre.wait == Wait::ended) snprintf(text, sizeof text, "thread %u has ended", thread);
  else
    snprintf(text, sizeof text, "thread %u waits at %s on line %d", thread,
             fibre.wait == Wait::barrier ? "__syncthreads" : "__shfl_xor_sync", fibre.line);
  return text;
}

CORTADO_COLD static void apart(unsigned one, unsigned other, const char* all) {
  char a[96], b[96];
  const unsigned at = fibres[one].wait == Wait::ended ? other : one;
  note(fibres[at].line, "not all threads of a %s reach it: in block %u, %s, but %s", all, blockIdx.x, describe(one, a),
       describe(other, b));
}

static inline bool together(unsigned a, unsigned b) {
  return fibres[a].wait == fibres[b].wait && (fibres[a].wait == Wait::ended || fibres[a].line == fibres[b].line);
}

/** Runs a warp's threads until each has ended or waits at a barrier. False when something was found. */
static inline bool run_warp(unsigned from, unsigned to) {
  for (;;) {
    for (unsigned t = from; t < to; t++) {
      take_turn(t);
      cortado_switch(&scheduler, &fibres[t].context);
      if (state.found) return false;
    }
    bool shuffles = false;
    for (unsigned t = from; t < to; t++) shuffles |= fibres[t].wait == Wait::shuffle;
    if (!shuffles) return true;
    for (unsigned t = from + 1; t < to; t++)
      if (!together(from, t)) return apart(from, t, "warp"), false;
    if (to - from < WARP) {
      note(fibres[from].line, "a shuffle of the full warp, but the last warp of block %u has %u threads", blockIdx.x,
           to - from);
      return false;
    }
    uint32_t bits[WARP];
    for (unsigned t = 0; t < WARP; t++) bits[t] = fibres[from + t].bits;
    for (unsigned t = 0; t < WARP; t++) fibres[from + t].bits = bits[t ^ fibres[from + t].lane];
  }
}

static inline void next_phase() { state.phase += static_cast<Stamp>(1) << PHASE_SHIFT; }

static inline void next_block(unsigned block) {
  blockIdx.x = block;
  next_phase();
  state.block = state.phase;
#ifndef CORTADO_UNCHECKED
  firsts.data[block] = state.block;
#endif
}

/** Runs a block whose threads may wait for each other. False when something was found. */
static inline bool run_block(void (*entry)()) {
  const unsigned threads = blockDim.x;
  for (unsigned t = 0; t < threads; t++) start(t, entry);
  for (;;) {
    for (unsigned from = 0; from < threads; from += WARP)
      if (!run_warp(from, from + WARP < threads ? from + WARP : threads)) return false;
    for (unsigned t = 1; t < threads; t++)
      if (!together(0, t)) return apart(0, t, "block"), false;
    if (fibres[0].wait == Wait::ended) return true;
    next_phase();
  }
}

// ---- A launch ----------------------------------------------------------------------------------------------------

constexpr unsigned MOST_ARGUMENTS = 64;
static Slot slots[MOST_ARGUMENTS];

}  // namespace cortado_emulator

/** What the caller gives for one parameter of a kernel. */
struct Argument {
  void* data;
  uint64_t elements;
};

namespace cortado_emulator {

/**
 * Gives words that an argument may write a place for their stamps. Arguments that overlap in memory share it, so
 * that a race is found by address; arguments that no writable one overlaps cannot race and have none.
 */
static inline bool place_stamps(const bool* writes, unsigned count) {
  unsigned order[MOST_ARGUMENTS];
  for (unsigned i = 0; i < count; i++) {
    unsigned at = i;
    for (; at > 0 && slots[order[at - 1]].data > slots[i].data; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  uint64_t offsets[MOST_ARGUMENTS], used = 0;
  bool kept[MOST_ARGUMENTS];
  for (unsigned from = 0, to = 0; from < count; from = to) {
    const char* begin = static_cast<char*>(slots[order[from]].data);
    const char* end = begin;
    bool writable = false;
    for (to = from; to < count; to++) {
      const Slot& slot = slots[order[to]];
      const char* data = static_cast<char*>(slot.data);
      if (to > from && data >= end) break;
      const char* last = data + slot.place.elements * 4;
      if (last > end) end = last;
      writable |= writes[order[to]];
    }
    for (unsigned i = from; i < to; i++) {
      kept[order[i]] = writable;
      offsets[order[i]] = used + (static_cast<char*>(slots[order[i]].data) - begin) / 4;
    }
    if (writable) used += (end - begin) / 4 + 1;
  }
  if (!writers.reserve(used) || !readers.reserve(used)) return false;
  for (unsigned i = 0; i < count; i++) {
    slots[i].writer = kept[i] ? writers.data + offsets[i] : nullptr;
    slots[i].reader = kept[i] ? readers.data + offsets[i] : nullptr;
  }
  return true;
}

/** Everything of a launch that does not depend on the kernel's type. */
struct Launch {
  const char* symbol;
  const bool* writes;
  unsigned parameters;
  unsigned bound;
  bool waits;
  void (*entry)();
};

__attribute__((noinline)) static bool run(const Launch& launch, const ::Argument* args, uint32_t count, uint32_t blocks,
                                          uint32_t threads) {
  state.symbol = launch.symbol;
  state.found = false;
  if (count != launch.parameters)
    return note(0, "it has %u parameters, but the launch gives %u arguments", launch.parameters, count), false;
  if (threads == 0 || threads > launch.bound || threads > MOST_THREADS)
    return note(0, "a launch with %u threads a block, but it is made for 1 to %u", threads, launch.bound), false;
  if (!stacks.reserve(MOST_THREADS * STACK)) return note(0, "no memory for the stacks of its threads"), false;
  for (unsigned i = 0; i < count; i++) slots[i] = {args[i].data, {nullptr, i, args[i].elements}, nullptr, nullptr};
#ifndef CORTADO_UNCHECKED
  if (!firsts.reserve(blocks) || !place_stamps(launch.writes, count))
    return note(0, "no memory to keep track of its accesses"), false;
#endif
  blockDim.x = threads;
  gridDim.x = blocks;
  on_fibres = launch.waits;
  next_phase();
  state.launch = state.phase;
  if (!launch.waits) {
    start(0, launch.entry);
    cortado_switch(&scheduler, &fibres[0].context);
    return !state.found;
  }
  for (unsigned b = 0; b < blocks; b++) {
    next_block(b);
    if (!run_block(launch.entry)) return false;
  }
  return true;
}

/** When the module is unloaded. */
__attribute__((destructor)) static void unload() {
  writers.release();
  readers.release();
  firsts.release();
  stacks.release();
}

static inline const Slot& take(unsigned& next) { return slots[next++]; }

template <auto kernel>
struct Entry;
template <class... P, void (*kernel)(P...)>
struct Entry<kernel> {
  static constexpr unsigned parameters = sizeof...(P);
  static constexpr bool writes[parameters + 1] = {Parameter<P>::writes..., false};
  static_assert(parameters <= MOST_ARGUMENTS, "too many parameters");

  struct Call {
    // A list in braces is evaluated from left to right: the first parameter takes the first slot.
    explicit Call(P... arguments) { kernel(arguments...); }
  };
  static inline void call() {
    unsigned next = 0;
    Call{Parameter<P>::of(take(next))...};
  }
  /** One thread, on its fibre. */
  static void thread() {
    call();
    wait(Wait::ended, 0);
  }
  /** All threads of all blocks, one after the other, on one fibre. */
  static void all_threads() {
    for (unsigned b = 0; b < gridDim.x; b++) {
      next_block(b);
      for (unsigned t = 0; t < blockDim.x; t++) {
        take_turn(t);
        call();
      }
    }
    leave();
  }
};

[[maybe_unused]] static const char* unknown(uint32_t kernel) {
  snprintf(finding, sizeof finding, "the module has no kernel %u", kernel);
  return finding;
}

/** Runs one launch; null, or the text of what was found. */
template <auto kernel, bool waits>
static const char* launch(const char* symbol, unsigned bound, const ::Argument* args, uint32_t count, uint32_t blocks,
                          uint32_t threads) {
  typedef Entry<kernel> E;
  Launch made = {symbol, E::writes, E::parameters, bound, waits, nullptr};
  // Only the one that is used is compiled.
  if constexpr (waits) made.entry = E::thread;
  else made.entry = E::all_threads;
  return run(made, args, count, blocks, threads) ? nullptr : finding;
}

}  // namespace cortado_emulator

// ---- The words of the kernels ------------------------------------------------------------------------------------

#define KERNEL(threads)                     \
  static constexpr unsigned bound = threads; \
  static void

#define HELPER static inline
// Loops stay loops: unrolled a hundredfold, checked accesses would take the compiler longer than they save.
#define UNROLL

template <class T>
using Global = cortado_emulator::Argument<T>;

#ifdef CORTADO_UNCHECKED
#define SHARED(type, name, count)                                \
  alignas(64) static type name[count];                           \
  static ::cortado_emulator::Stamp name##_of;                    \
  ::cortado_emulator::poison<type, count>(name, name##_of)
#else
#define SHARED(type, name, count)                                \
  alignas(64) static ::cortado_emulator::Shared<type, count> name; \
  name.called = #name
#endif

static inline void __syncthreads(int line = __builtin_LINE()) {
  cortado_emulator::wait(cortado_emulator::Wait::barrier, line);
}
static inline float __shfl_xor_sync(unsigned mask, float value, int lane, int line = __builtin_LINE()) {
  return __uint_as_float(cortado_emulator::shuffle(mask, __float_as_uint(value), lane, line));
}
static inline int __shfl_xor_sync(unsigned mask, int value, int lane, int line = __builtin_LINE()) {
  return static_cast<int>(cortado_emulator::shuffle(mask, static_cast<uint32_t>(value), lane, line));
}
static inline unsigned __shfl_xor_sync(unsigned mask, unsigned value, int lane, int line = __builtin_LINE()) {
  return cortado_emulator::shuffle(mask, value, lane, line);
}

#endif
