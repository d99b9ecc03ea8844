// The pool: threads that sleep until a pass is published, take pieces of its launches, and sleep again.
//
// A launch's range is cut into pieces that do not depend on how many threads there are. Threads take pieces one by
// one; whoever finishes the last piece of a launch makes the next one ready. So nobody waits for a thread, only for
// pieces: one that the machine does not run, or that wakes late, holds up no more than the piece it has taken.
#include "pool.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>

#if defined(__GLIBC__) && defined(__x86_64__)
// As in addon.cc: the versions that these had before glibc 2.34.
__asm__(".symver pthread_create,pthread_create@GLIBC_2.2.5\n.symver pthread_detach,pthread_detach@GLIBC_2.2.5");
__asm__(".symver dladdr,dladdr@GLIBC_2.2.5\n.symver dlopen,dlopen@GLIBC_2.2.5");
__asm__(".symver pthread_sigmask,pthread_sigmask@GLIBC_2.2.5");
#endif

namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kLine = 64;  // bytes that two cores cannot write at once; also the alignment of scratch
// How long a thread looks for the next launch before it sleeps: waking one takes about as long.
constexpr auto kSpin = std::chrono::microseconds(100);

inline void pauseBriefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Memory of one thread, which grows to the most that a pass has asked for.
class Scratch {
  char* memory = nullptr;
  size_t bytes = 0;

 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  ~Scratch() { std::free(memory); }
  bool grow(size_t wanted) {
    if (wanted <= bytes) return true;
    void* larger = nullptr;
    if (posix_memalign(&larger, kLine, wanted) != 0) return false;
    std::free(memory);
    memory = static_cast<char*>(larger);
    bytes = wanted;
    return true;
  }
  char* data() const { return memory; }
};

// One launch, or several in a row that one thread does, while they are being run.
struct alignas(kLine) Stage {
  std::atomic<uint32_t> taken{0};
  alignas(kLine) std::atomic<uint32_t> done{0};
  size_t first = 0, last = 0;  // launches first <= i < last
  uint32_t pieces = 1;
};

// A pass while it runs. A thread that comes late finds all pieces taken: it holds the run, and touches no memory of it.
class Run {
  const std::shared_ptr<const PoolPass> pass;
  std::vector<Stage> stages;
  std::vector<double> times;
  Clock::time_point since = Clock::now();  // when the stage that is ready became so; written by who makes it ready
  alignas(kLine) std::atomic<size_t> ready{0};
  alignas(kLine) std::atomic<uint32_t> sleepers{0};
  std::mutex mutex;
  std::condition_variable woken;

  static size_t countStages(const PoolPass& pass) {
    size_t count = 0;
    for (size_t i = 0; i < pass.launches.size(); i++)
      if (i == 0 || pass.launches[i].pieces > 1 || pass.launches[i - 1].pieces > 1) count++;
    return count;
  }

  double lap() {
    const auto now = Clock::now();
    const double took = std::chrono::duration<double, std::milli>(now - since).count();
    since = now;
    return took;
  }

  void carryOut(const Stage& stage, uint32_t piece, char* scratch) {
    const auto& [kernel, from, to, pieces, memory] = pass->launches[stage.first];
    const auto start = [&, count = to - from](uint32_t i) {
      return from + static_cast<long>(static_cast<__int128>(count) * i / pieces);
    };
    if (pieces > 1) return kernel(memory.data(), start(piece), start(piece + 1), scratch);
    for (size_t i = stage.first; i < stage.last; i++) {
      const PoolLaunch& launch = pass->launches[i];
      launch.kernel(launch.memory.data(), launch.from, launch.to, scratch);
      if (i + 1 < stage.last) times[i] = lap();
    }
  }

  void finish(size_t number) {
    times[stages[number].last - 1] = lap();
    ready.store(number + 1, std::memory_order_seq_cst);
    // What is one piece is this thread's next; the others may sleep on.
    const bool shared = number + 1 == stages.size() || stages[number + 1].pieces > 1;
    if (!shared || sleepers.load(std::memory_order_seq_cst) == 0) return;
    const std::lock_guard<std::mutex> hold(mutex);
    woken.notify_all();
  }

  // Gives the stage that is ready, once it is another.
  size_t await(size_t seen) {
    const auto next = [&] { return ready.load(std::memory_order_seq_cst); };
    size_t now = next();
    for (const auto until = Clock::now() + kSpin; now == seen && Clock::now() < until;)
      for (int i = 0; i < 32 && now == seen; i++, now = next()) pauseBriefly();
    if (now != seen) return now;
    std::unique_lock<std::mutex> hold(mutex);
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    woken.wait(hold, [&] { return (now = next()) != seen; });
    sleepers.fetch_sub(1, std::memory_order_seq_cst);
    return now;
  }

 public:
  explicit Run(std::shared_ptr<const PoolPass> given)
      : pass(std::move(given)), stages(countStages(*pass)), times(pass->launches.size()) {
    size_t count = 0;
    for (size_t i = 0; i < pass->launches.size(); i++) {
      const uint32_t pieces = pass->launches[i].pieces;
      if (i == 0 || pieces > 1 || pass->launches[i - 1].pieces > 1) stages[count++].first = i;
      stages[count - 1].last = i + 1;
      stages[count - 1].pieces = pieces;
    }
  }

  // Threads that the caller's can be helped by.
  uint32_t helpers() const {
    uint32_t most = 1;
    for (const Stage& stage : stages) most = std::max(most, stage.pieces);
    return std::min(most, pass->threads) - 1;
  }

  size_t scratchBytes() const { return pass->scratchBytes; }

  // Takes part until the last piece of the last launch is done.
  void work(char* scratch) {
    for (size_t number = ready.load(std::memory_order_seq_cst); number < stages.size(); number = await(number)) {
      Stage& stage = stages[number];
      for (;;) {
        const uint32_t piece = stage.taken.fetch_add(1, std::memory_order_relaxed);
        if (piece >= stage.pieces) break;
        carryOut(stage, piece, scratch);
        if (stage.done.fetch_add(1, std::memory_order_acq_rel) + 1 == stage.pieces) finish(number);
      }
    }
  }

  std::vector<double> result() { return std::move(times); }
};

// Never destroyed: its threads sleep in it until the process ends.
class Pool {
  struct Helper {
    std::condition_variable woken;
    std::shared_ptr<Run> run;  // what it has been asked to take part in
  };

  std::mutex turns;  // held for the length of a pass
  Scratch scratch;   // the calling thread's, whichever it is
  std::mutex mutex;  // of all below
  std::vector<std::unique_ptr<Helper>> team;
  bool pinned = false;

  // The code of threads must stay where it is, also when the environment that loaded the addon has ended.
  void pin() {
    Dl_info info;
    if (!pinned && dladdr(reinterpret_cast<void*>(&Pool::live), &info) != 0)
      dlopen(info.dli_fname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    pinned = true;
  }

  static void* live(void* given) {
    auto* const helper = static_cast<Helper*>(given);
    Scratch own;
    Pool& pool = instance();
    for (;;) {
      std::shared_ptr<Run> run;
      {
        std::unique_lock<std::mutex> hold(pool.mutex);
        helper->woken.wait(hold, [&] { return helper->run != nullptr; });
        run = std::move(helper->run);
      }
      // Without memory for its scratch it leaves the work to the others.
      if (own.grow(run->scratchBytes())) run->work(own.data());
    }
  }

  // Whether there are as many; a machine may grant fewer.
  bool grow(size_t helpers) {
    pin();
    // Signals are for the threads that were there before.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (team.size() < helpers) {
      auto helper = std::make_unique<Helper>();
      pthread_t thread;
      if (pthread_create(&thread, nullptr, live, helper.get()) != 0) break;
      pthread_detach(thread);
      team.push_back(std::move(helper));
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return team.size() >= helpers;
  }

  // Asks threads to take part; or takes back what they have not begun with.
  void publish(const std::shared_ptr<Run>& run, size_t helpers) {
    const std::lock_guard<std::mutex> hold(mutex);
    if (team.size() < helpers && !grow(helpers)) helpers = team.size();
    for (size_t i = 0; i < helpers; i++) {
      team[i]->run = run;
      team[i]->woken.notify_one();
    }
  }
  void retract() {
    const std::lock_guard<std::mutex> hold(mutex);
    for (const auto& helper : team) helper->run = nullptr;
  }

 public:
  static Pool& instance() {
    static Pool* const pool = new Pool;
    return *pool;
  }

  std::optional<std::vector<double>> tryRun(const std::shared_ptr<const PoolPass>& pass) {
    const std::unique_lock<std::mutex> hold(turns, std::try_to_lock);
    if (!hold.owns_lock()) return std::nullopt;
    return runInTurn(pass);
  }

  std::vector<double> run(const std::shared_ptr<const PoolPass>& pass) {
    const std::lock_guard<std::mutex> hold(turns);
    return runInTurn(pass);
  }

 private:
  std::vector<double> runInTurn(const std::shared_ptr<const PoolPass>& pass) {
    if (!scratch.grow(pass->scratchBytes)) throw std::bad_alloc();
    const auto run = std::make_shared<Run>(pass);
    const uint32_t helpers = run->helpers();
    if (helpers > 0) publish(run, helpers);
    run->work(scratch.data());
    if (helpers > 0) retract();
    return run->result();
  }
};

}  // namespace

std::vector<double> runPass(const std::shared_ptr<const PoolPass>& pass) { return Pool::instance().run(pass); }
std::optional<std::vector<double>> tryPass(const std::shared_ptr<const PoolPass>& pass) {
  return Pool::instance().tryRun(pass);
}
