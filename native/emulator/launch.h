// Part of "cortado.h", which includes it: barriers, shuffles, and the running of a launch.
#pragma once

namespace cortado_emulator {

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
