// The entry of the addon. It is loaded once per environment (the main thread and every worker thread that asks for it),
// and has no state but that of each environment: see Environment.
#include "common.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  cortado::Environment::attach(env);
  cortado::defineNvrtc(exports);
  cortado::defineCuda(exports);
  cortado::defineTransfers(exports);
  cortado::defineGraphs(exports);
  cortado::defineHost(exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(cortado, init)
