// The part of the CUDA driver API that is used, by the symbols that drivers of CUDA 12 and 13 export.
#pragma once
#include "common.h"

namespace cortado {

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphExec = struct CUgraphExec_st*;
constexpr CUresult CUDA_SUCCESS = 0;
constexpr unsigned CU_STREAM_NON_BLOCKING = 1, CU_EVENT_DEFAULT = 0, CU_EVENT_DISABLE_TIMING = 2;
constexpr int CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1;  // other threads may use the driver as they like meanwhile

// The driver's functions, loaded and initialised.
struct Driver : Resource {
  template <class... Parameters>
  using Call = CUresult (*)(Parameters...);
  const Library lib;
  const Call<unsigned> cuInit = lib["cuInit"];
  const Call<CUresult, const char**> cuGetErrorName = lib["cuGetErrorName"], cuGetErrorString = lib["cuGetErrorString"];
  const Call<int*> cuDriverGetVersion = lib["cuDriverGetVersion"], cuDeviceGetCount = lib["cuDeviceGetCount"];
  const Call<CUdevice*, int> cuDeviceGet = lib["cuDeviceGet"];
  const Call<char*, int, CUdevice> cuDeviceGetName = lib["cuDeviceGetName"];
  const Call<int*, int, CUdevice> cuDeviceGetAttribute = lib["cuDeviceGetAttribute"];
  const Call<size_t*, CUdevice> cuDeviceTotalMem = lib["cuDeviceTotalMem_v2"];
  const Call<CUcontext*, CUdevice> cuDevicePrimaryCtxRetain = lib["cuDevicePrimaryCtxRetain"];
  const Call<CUdevice> cuDevicePrimaryCtxRelease = lib["cuDevicePrimaryCtxRelease_v2"];
  const Call<CUcontext> cuCtxPushCurrent = lib["cuCtxPushCurrent_v2"];
  const Call<CUcontext*> cuCtxPopCurrent = lib["cuCtxPopCurrent_v2"];
  const Call<size_t*, size_t*> cuMemGetInfo = lib["cuMemGetInfo_v2"];  // free, total
  const Call<CUdeviceptr*, size_t> cuMemAlloc = lib["cuMemAlloc_v2"];
  const Call<CUdeviceptr> cuMemFree = lib["cuMemFree_v2"];
  const Call<void**, size_t, unsigned> cuMemHostAlloc = lib["cuMemHostAlloc"];
  const Call<void*> cuMemFreeHost = lib["cuMemFreeHost"];
  const Call<CUdeviceptr, unsigned char, size_t, CUstream> cuMemsetD8Async = lib["cuMemsetD8Async"];
  const Call<CUdeviceptr, const void*, size_t, CUstream> cuMemcpyHtoDAsync = lib["cuMemcpyHtoDAsync_v2"];
  const Call<void*, CUdeviceptr, size_t, CUstream> cuMemcpyDtoHAsync = lib["cuMemcpyDtoHAsync_v2"];
  const Call<CUdeviceptr, CUdeviceptr, size_t, CUstream> cuMemcpyDtoDAsync = lib["cuMemcpyDtoDAsync_v2"];  // to, from
  const Call<CUstream*, unsigned> cuStreamCreate = lib["cuStreamCreate"];
  const Call<CUstream> cuStreamSynchronize = lib["cuStreamSynchronize"], cuStreamDestroy = lib["cuStreamDestroy_v2"];
  const Call<CUstream, int> cuStreamBeginCapture = lib["cuStreamBeginCapture_v2"];
  const Call<CUstream, CUgraph*> cuStreamEndCapture = lib["cuStreamEndCapture"];
  const Call<CUevent*, unsigned> cuEventCreate = lib["cuEventCreate"];
  const Call<CUevent, CUstream> cuEventRecord = lib["cuEventRecord"];
  const Call<CUevent> cuEventQuery = lib["cuEventQuery"], cuEventSynchronize = lib["cuEventSynchronize"];
  const Call<CUevent> cuEventDestroy = lib["cuEventDestroy_v2"];
  const Call<float*, CUevent, CUevent> cuEventElapsedTime = lib["cuEventElapsedTime"];  // ms from start to end
  const Call<CUmodule*, const void*> cuModuleLoadData = lib["cuModuleLoadData"];
  const Call<CUfunction*, CUmodule, const char*> cuModuleGetFunction = lib["cuModuleGetFunction"];
  const Call<CUmodule> cuModuleUnload = lib["cuModuleUnload"];
  // grid x, y, z, block x, y, z, bytes of dynamic shared memory, stream, arguments, extra
  const Call<CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void**, void**>
      cuLaunchKernel = lib["cuLaunchKernel"];
  const Call<CUgraphExec*, CUgraph, unsigned long long> cuGraphInstantiate = lib["cuGraphInstantiateWithFlags"];
  const Call<CUgraphExec, CUstream> cuGraphLaunch = lib["cuGraphLaunch"];
  const Call<CUgraphExec> cuGraphExecDestroy = lib["cuGraphExecDestroy"];
  const Call<CUgraph> cuGraphDestroy = lib["cuGraphDestroy"];
  // Since CUDA 12.4; null before.
  const Call<CUfunction, size_t, size_t*, size_t*> cuFuncGetParamInfo = lib.optional("cuFuncGetParamInfo");

  explicit Driver(const std::string& path);
  void check(CUresult result, const std::string& what) const;  // throws "<what> failed: CUDA_ERROR_NAME (text)"
};

}  // namespace cortado
