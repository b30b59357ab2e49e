/* Cutting and joining without a device, for tests. Packets have their virtio_net_hdr in front. */
#pragma once
#include "napi.h"

napi_value pure_cut(napi_env env, napi_callback_info info);   /* cut(bytes, room): Uint8Array[] */
napi_value pure_join(napi_env env, napi_callback_info info);  /* join(packets, udp): Uint8Array[] */
