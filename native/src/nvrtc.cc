// NVRTC: CUDA C++ to cubins. Each compilation is a program of its own on a thread of the pool.
#include "common.h"

namespace cortado {
namespace {

using Result = int;
using Program = struct _nvrtcProgram*;
using Texts = const char* const*;
constexpr Result NVRTC_SUCCESS = 0, NVRTC_ERROR_COMPILATION = 6;

// The functions of nvrtc.h that are used.
struct Nvrtc : Resource {
  const Library library;
  Result (*const version)(int* major, int* minor) = library["nvrtcVersion"];
  Result (*const architectureCount)(int*) = library["nvrtcGetNumSupportedArchs"];
  Result (*const architectures)(int*) = library["nvrtcGetSupportedArchs"];
  Result (*const create)(Program*, const char* source, const char* name, int headers, Texts texts, Texts names) =
      library["nvrtcCreateProgram"];
  Result (*const compile)(Program, int count, Texts options) = library["nvrtcCompileProgram"];
  Result (*const cubinSize)(Program, size_t*) = library["nvrtcGetCUBINSize"];
  Result (*const cubin)(Program, char*) = library["nvrtcGetCUBIN"];
  Result (*const logSize)(Program, size_t*) = library["nvrtcGetProgramLogSize"];
  Result (*const log)(Program, char*) = library["nvrtcGetProgramLog"];
  Result (*const destroy)(Program*) = library["nvrtcDestroyProgram"];
  const char* (*const errorString)(Result) = library["nvrtcGetErrorString"];

  explicit Nvrtc(const std::string& path) : library(path, "NVRTC") {}
  void check(Result result, const std::string& what, const std::string& detail = "") const {
    if (result == NVRTC_SUCCESS) return;
    throw std::runtime_error(what + " failed: " + errorString(result) + (detail.empty() ? "" : " (" + detail + ")"));
  }
};

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> all;
  for (const auto& text : texts) all.push_back(text.c_str());
  return all;
}

// One compilation, from its arguments to its result.
struct Compilation {
  std::shared_ptr<Nvrtc> nvrtc;
  std::string source, name;
  std::vector<std::string> headerNames, headerTexts, options;
  bool compiled = false;
  std::vector<char> cubin;
  std::string log;
  Program program = nullptr;

  ~Compilation() {
    if (program != nullptr) nvrtc->destroy(&program);
  }

  void run() {
    const auto names = pointers(headerNames), texts = pointers(headerTexts), flags = pointers(options);
    const std::string what = "compiling " + name;
    nvrtc->check(nvrtc->create(&program, source.c_str(), name.c_str(), static_cast<int>(names.size()), texts.data(),
                               names.data()),
                 what);
    const Result result = nvrtc->compile(program, static_cast<int>(flags.size()), flags.data());
    size_t bytes = 0;
    if (nvrtc->logSize(program, &bytes) == NVRTC_SUCCESS && bytes > 1) {
      log.resize(bytes);
      nvrtc->check(nvrtc->log(program, log.data()), what);
      log.resize(bytes - 1);  // without its NUL
    }
    if (result == NVRTC_ERROR_COMPILATION) return;
    nvrtc->check(result, what, log);
    nvrtc->check(nvrtc->cubinSize(program, &bytes), what);
    cubin.resize(bytes);
    nvrtc->check(nvrtc->cubin(program, cubin.data()), what);
    compiled = true;
  }
};

std::shared_ptr<Nvrtc> nvrtcOf(const Arguments& args) { return args(0, "nvrtc").handle<Nvrtc>("Nvrtc handle"); }

Napi::Value nvrtcOpen(const Arguments& args) {
  return Environment::wrap(args.env, std::make_shared<Nvrtc>(args(0, "path").text()));
}

Napi::Value nvrtcVersion(const Arguments& args) {
  const auto nvrtc = nvrtcOf(args);
  int major = 0, minor = 0;
  nvrtc->check(nvrtc->version(&major, &minor), "asking NVRTC for its version");
  return numbers(args.env, {double(major), double(minor)});
}

Napi::Value nvrtcArchitectures(const Arguments& args) {
  const auto nvrtc = nvrtcOf(args);
  int count = 0;
  nvrtc->check(nvrtc->architectureCount(&count), "asking NVRTC for its architectures");
  std::vector<int> found(static_cast<size_t>(count));
  nvrtc->check(nvrtc->architectures(found.data()), "asking NVRTC for its architectures");
  return numbers(args.env, {found.begin(), found.end()});
}

Napi::Value nvrtcCompile(const Arguments& args) {
  const auto work = std::make_shared<Compilation>();
  work->nvrtc = nvrtcOf(args);
  work->source = args(1, "source").text();
  work->name = args(2, "name").text();
  for (const Given& header : args(3, "headers").list()) {
    const auto pair = header.list();
    if (pair.size() != 2) throw header.wrong("a pair of name and text");
    work->headerNames.push_back(pair[0].text());
    work->headerTexts.push_back(pair[1].text());
  }
  for (const Given& option : args(4, "options").list()) work->options.push_back(option.text());
  return promise(
      args.env, [work] { work->run(); },
      [work](Napi::Env env) {
        auto result = Napi::Object::New(env);
        result.Set("log", work->log);
        if (!work->compiled) return result;
        auto cubin = Napi::Uint8Array::New(env, work->cubin.size());
        std::copy(work->cubin.begin(), work->cubin.end(), cubin.Data());
        result.Set("cubin", cubin);
        return result;
      });
}

}  // namespace

void defineNvrtc(Napi::Object exports) {
  define<nvrtcOpen>(exports, "nvrtcOpen");
  define<nvrtcVersion>(exports, "nvrtcVersion");
  define<nvrtcArchitectures>(exports, "nvrtcArchitectures");
  define<nvrtcCompile>(exports, "nvrtcCompile");
}

}  // namespace cortado
