// Part of "cortado.h", which includes it: what was found, races, and the arrays of a kernel, whose accesses are looked at.
#pragma once

namespace cortado_emulator {

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

}  // namespace cortado_emulator
