#pragma once
#include "napi.h"

napi_value peercred(napi_env env, napi_callback_info info);  /* peercred(fd) of index.ts */
napi_value socktype(napi_env env, napi_callback_info info);  /* socktype(fd) */
