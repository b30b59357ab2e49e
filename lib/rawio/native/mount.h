#pragma once
#include "napi.h"

/* mount(fd, dir, options), unmount(dir, lazy), fusermount(dir, options) of index.ts */
napi_value mount_fuse(napi_env env, napi_callback_info info);
napi_value mount_end(napi_env env, napi_callback_info info);
napi_value mount_unprivileged(napi_env env, napi_callback_info info);
