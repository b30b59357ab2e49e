#pragma once
#include "napi.h"

napi_value ifinfo(napi_env env, napi_callback_info info);   /* ifinfo(name) of index.ts */
napi_value ifnames(napi_env env, napi_callback_info info);  /* ifnames(): string[] */
