#include "pure.h"
#include "cut.h"
#include "join.h"
#include <stdlib.h>
#include <string.h>

/* A list in the making. */
struct list {
  napi_env env;
  napi_value array;
  uint32_t n;
};

static uint8_t *add(struct list *l, size_t size) {
  void *bytes = NULL;
  napi_value buffer, array;
  napi_create_arraybuffer(l->env, size, &bytes, &buffer);
  napi_create_typedarray(l->env, napi_uint8_array, size, buffer, 0, &array);
  napi_set_element(l->env, l->array, l->n++, array);
  return bytes;
}

napi_value pure_cut(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct list out = { .env = env };
  struct virtio_net_hdr h;
  struct cut cut;
  uint8_t part[2048];
  size_t n;
  const uint8_t *bytes = to_bytes(env, c.argv[0], &n);
  int64_t room = to_int(env, c.argv[1], sizeof part);
  napi_create_array(env, &out.array);
  if (bytes == NULL || n < vnet_bytes || room < 0 || room > (int64_t)sizeof part) return out.array;
  memcpy(&h, bytes, vnet_bytes);
  if (!cut_begin(&cut, &h, bytes + vnet_bytes, (uint32_t)(n - vnet_bytes))) return out.array;
  while (!cut_done(&cut)) {
    uint32_t length = cut_next(&cut, part, (uint32_t)room);
    if (length > 0) memcpy(add(&out, length), part, length);
  }
  return out.array;
}

static void add_parts(void *list, const struct iovec *parts, int count, uint32_t packets) {
  (void)packets;
  size_t size = 0;
  for (int i = 0; i < count; i++) size += parts[i].iov_len;
  uint8_t *to = add(list, size);
  for (int i = 0; i < count; i++) {
    memcpy(to, parts[i].iov_base, parts[i].iov_len);
    to += parts[i].iov_len;
  }
}

/* Copies: joining edits headers in place. */
napi_value pure_join(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct list out = { .env = env };
  struct join *j = calloc(1, sizeof *j);
  uint32_t packets = 0;
  bool udp = false;
  napi_create_array(env, &out.array);
  napi_get_array_length(env, c.argv[0], &packets);
  napi_get_value_bool(env, c.argv[1], &udp);
  uint8_t *copies[512];
  uint32_t n = 0;
  if (j == NULL) return out.array;
  join_begin(j, add_parts, &out, udp);
  for (; n < packets && n < 512; n++) {
    napi_value v;
    size_t size;
    napi_get_element(env, c.argv[0], n, &v);
    const uint8_t *bytes = to_bytes(env, v, &size);
    copies[n] = malloc(size + 1);
    if (size > 0) memcpy(copies[n], bytes, size);
    join_add(j, copies[n], (uint32_t)size);
  }
  join_end(j);
  while (n > 0) free(copies[--n]);
  free(j);
  return out.array;
}
