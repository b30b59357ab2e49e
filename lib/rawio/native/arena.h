/* Memory shared with JavaScript. It is C's own and counted, so that nothing that is done to the
 * arrays over there (transfer, collection) takes it away while a device uses it. */
#pragma once
#include "napi.h"

struct block {
  int refs;
  size_t size;
  uint8_t bytes[] __attribute__((aligned(64)));
};

struct block *block_new(size_t size);  /* all zero, or NULL */
struct block *block_keep(struct block *b);
void block_drop(struct block *b);      /* NULL is fine */
napi_value block_array(napi_env env, struct block *b, napi_typedarray_type type, size_t count);

/* slots * slot_bytes for reception, then room for packets sent that lie elsewhere. */
struct arena {
  struct block *bytes;
  struct block *at;                    /* int32: start and end of each packet of a batch */
  uint32_t slots, slot_bytes, headroom;
};

napi_value arena_make(napi_env env, napi_callback_info info);  /* arena({..}) of index.ts */
struct arena *arena_of(napi_env env, napi_value object);       /* NULL if it is none */
