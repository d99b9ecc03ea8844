// NVRTC: CUDA C++ to cubins. Each compilation is a program of its own on a thread of the pool.
#include <deque>

#include "common.h"

using Program = struct _nvrtcProgram*;
using Texts = const char* const*;
constexpr int NVRTC_SUCCESS = 0, NVRTC_ERROR_COMPILATION = 6;

// The functions of nvrtc.h that are used.
struct Nvrtc : Resource {
  const Library library;
  CALL(nvrtcVersion, , int*, int*);  // major, minor
  CALL(nvrtcGetNumSupportedArchs, , int*); CALL(nvrtcGetSupportedArchs, , int*);
  // source, name, count of headers, their texts, their names
  CALL(nvrtcCreateProgram, , Program*, const char*, const char*, int, Texts, Texts);
  CALL(nvrtcCompileProgram, , Program, int, Texts); CALL(nvrtcDestroyProgram, , Program*);
  CALL(nvrtcGetCUBINSize, , Program, size_t*); CALL(nvrtcGetCUBIN, , Program, char*);
  CALL(nvrtcGetProgramLogSize, , Program, size_t*); CALL(nvrtcGetProgramLog, , Program, char*);
  const char* (*const errorString)(int) = library.function<const char*(int)>("nvrtcGetErrorString");
  explicit Nvrtc(const std::string& path) : library(path, "NVRTC") {}
  void check(int result, const std::string& what, const std::string& detail = "") const {
    if (result == NVRTC_SUCCESS) return;
    throw Failure(what, errorString(result) + (detail.empty() ? "" : " (" + detail + ")"));
  }
};

// One compilation, from its arguments to its result.
struct Compilation {
  const std::shared_ptr<Nvrtc> nvrtc;
  const std::string source, name;
  std::deque<std::string> texts{};  // what the next point to
  std::vector<const char*> headerNames{}, headerTexts{}, options{};
  std::string cubin{}, log{};  // a cubin is empty when there is none
  Program program = nullptr;
  ~Compilation() {
    if (program != nullptr) nvrtc->nvrtcDestroyProgram(&program);
  }
  const char* keep(const Given& text) { return texts.emplace_back(text.text()).c_str(); }
  std::string result(int (*size)(Program, size_t*), int (*get)(Program, char*)) const {
    size_t bytes = 0;
    nvrtc->check(size(program, &bytes), "compiling " + name);
    std::string text(bytes, 0);
    nvrtc->check(get(program, text.data()), "compiling " + name);
    return text;
  }
  void run() {
    nvrtc->check(nvrtc->nvrtcCreateProgram(&program, source.c_str(), name.c_str(), static_cast<int>(headerNames.size()),
                                           headerTexts.data(), headerNames.data()),
                 "compiling " + name);
    const int compiled = nvrtc->nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data());
    log = result(nvrtc->nvrtcGetProgramLogSize, nvrtc->nvrtcGetProgramLog);
    if (!log.empty()) log.pop_back();  // its NUL
    if (compiled == NVRTC_ERROR_COMPILATION) return;
    nvrtc->check(compiled, "compiling " + name, log);
    cubin = result(nvrtc->nvrtcGetCUBINSize, nvrtc->nvrtcGetCUBIN);
  }
};

static std::shared_ptr<Nvrtc> nvrtcOf(const Arguments& args) { return args(0, "nvrtc").handle<Nvrtc>("Nvrtc handle"); }

Napi::Value nvrtcOpen(const Arguments& args) { return open<Nvrtc>(args); }

Napi::Value nvrtcVersion(const Arguments& args) {
  const auto nvrtc = nvrtcOf(args);
  int major = 0, minor = 0;
  nvrtc->check(nvrtc->nvrtcVersion(&major, &minor), "asking NVRTC for its version");
  return numbers(args.env, {double(major), double(minor)});
}

Napi::Value nvrtcArchitectures(const Arguments& args) {
  const auto nvrtc = nvrtcOf(args);
  int count = 0;
  nvrtc->check(nvrtc->nvrtcGetNumSupportedArchs(&count), "asking NVRTC for its architectures");
  std::vector<int> found(static_cast<size_t>(count));
  nvrtc->check(nvrtc->nvrtcGetSupportedArchs(found.data()), "asking NVRTC for its architectures");
  return numbers(args.env, {found.begin(), found.end()});
}

Napi::Value nvrtcCompile(const Arguments& args) {
  const std::shared_ptr<Compilation> work(
      new Compilation{nvrtcOf(args), args(1, "source").text(), args(2, "name").text()});
  for (const Given& header : args(3, "headers").list()) {
    const auto pair = header.list();
    if (pair.size() != 2) throw header.wrong("a pair of name and text");
    work->headerNames.push_back(work->keep(pair[0]));
    work->headerTexts.push_back(work->keep(pair[1]));
  }
  for (const Given& option : args(4, "options").list()) work->options.push_back(work->keep(option));
  return promise(
      args.env, [work] { work->run(); },
      [work](Napi::Env env) {
        auto result = Napi::Object::New(env);
        result.Set("log", work->log);
        if (!work->cubin.empty()) result.Set("cubin", typedArray<uint8_t>(env, work->cubin));
        return result;
      });
}
