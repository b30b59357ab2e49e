#include "arena.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define arena_bytes_max (256 << 20)
#define slot_bytes_min 128

static const napi_type_tag tag = { 0x9b1f5c7ae2d04e11, 0x8c33a1f09d7b4a62 };

struct block *block_new(size_t size) {
  size_t whole = (sizeof(struct block) + size + 63) & ~(size_t)63;
  struct block *b = aligned_alloc(64, whole);
  if (b == NULL) return NULL;
  memset(b, 0, whole);
  b->refs = 1;
  b->size = size;
  return b;
}

struct block *block_keep(struct block *b) {
  b->refs++;
  return b;
}

void block_drop(struct block *b) {
  if (b != NULL && --b->refs == 0) free(b);
}

static void array_gone(napi_env env, void *bytes, void *block) {
  (void)env;
  (void)bytes;
  block_drop(block);
}

napi_value block_array(napi_env env, struct block *b, napi_typedarray_type type, size_t count) {
  napi_value buffer, array = NULL;
  napi_status s =
      napi_create_external_arraybuffer(env, b->bytes, b->size, array_gone, b, &buffer);
  if (s != napi_ok) return NULL;
  block_keep(b);
  napi_create_typedarray(env, type, count, buffer, 0, &array);
  return array;
}

static void arena_free(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  struct arena *a = data;
  block_drop(a->bytes);
  block_drop(a->at);
  free(a);
}

static bool between(int64_t v, int64_t low, int64_t high) { return v >= low && v <= high; }

napi_value arena_make(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  int64_t slots = prop_int(env, c.argv[0], "slots", 0);
  int64_t slot_bytes = prop_int(env, c.argv[0], "slotBytes", 0);
  int64_t headroom = prop_int(env, c.argv[0], "headroom", 0);
  int64_t copy_bytes = prop_int(env, c.argv[0], "copyBytes", 0);
  if (!between(slots, 1, 65536) || !between(slot_bytes, slot_bytes_min, arena_bytes_max) ||
      !between(headroom, 4, slot_bytes - 64) || !between(copy_bytes, 0, arena_bytes_max) ||
      slots * slot_bytes + copy_bytes > arena_bytes_max)
    return throw_text(env, "EINVAL", "rawio: bad arena size");
  size_t size = (size_t)(slots * slot_bytes + copy_bytes);
  struct arena *a = calloc(1, sizeof *a);
  if (a == NULL) return throw_errno(env, "arena", ENOMEM, NULL);
  *a = (struct arena){ block_new(size), block_new((size_t)slots * 8), (uint32_t)slots,
                       (uint32_t)slot_bytes, (uint32_t)headroom };
  napi_value object;
  napi_create_object(env, &object);
  napi_wrap(env, object, a, arena_free, NULL, NULL);
  napi_type_tag_object(env, object, &tag);
  if (a->bytes == NULL || a->at == NULL) return throw_errno(env, "arena", ENOMEM, NULL);
  set(env, object, "bytes", block_array(env, a->bytes, napi_uint8_array, size));
  set(env, object, "at", block_array(env, a->at, napi_int32_array, (size_t)slots * 2));
  set(env, object, "slotBytes", number(env, (double)slot_bytes));
  set(env, object, "copyAt", number(env, (double)(slots * slot_bytes)));
  return object;
}

struct arena *arena_of(napi_env env, napi_value object) {
  bool is = false;
  void *a = NULL;
  if (napi_check_object_type_tag(env, object, &tag, &is) != napi_ok || !is) return NULL;
  napi_unwrap(env, object, &a);
  return a;
}
