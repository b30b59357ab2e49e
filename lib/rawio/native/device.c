#include "device.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct kind *const kinds[] = { &kind_tun, &kind_ether, &kind_ip, &kind_file,
                                            &kind_netlink };
static const char *const counter_names[counters] = {
  [rx_packets] = "rxpackets", [rx_toobig] = "rxtoobig",     [rx_bad] = "rxbad",
  [rx_lost] = "rxlost",       [tx_packets] = "txpackets",   [tx_dropped] = "txdropped",
  [tx_joined] = "txjoined",
};

static void device_free(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

static const napi_type_tag tag = { 0x51c6a0de7b924f38, 0xa24e96f1c0d8337b };

/* Methods ------------------------------------------------------------------------------------ */

struct device *this_device(const struct call *c) {
  void *d = NULL;
  bool is = false;
  if (napi_check_object_type_tag(c->env, c->self, &tag, &is) == napi_ok && is)
    napi_unwrap(c->env, c->self, &d);
  if (d == NULL) throw_text(c->env, "EINVAL", "not a device");
  return d;
}

static bool within_arena(const struct device *d, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (d->tx[2 * i] < 0 || d->tx[2 * i + 1] < d->tx[2 * i] ||
        (size_t)d->tx[2 * i + 1] > d->bytes->size)
      return false;
  return true;
}

/* On a device that is gone or closed everything is dropped, so that nobody waits for room. */
int device_send(struct device *d, int64_t n, const char **error) {
  if (n < 0 || n > tx_max) *error = "rawio: bad number of packets";
  else if (!within_arena(d, n)) *error = "rawio: packet outside the arena";
  if (*error != NULL) return 0;
  if (d->closed || d->over) {
    d->count[tx_dropped] += (uint64_t)n;
    return (int)n;
  }
  int taken = n == 0 ? 0 : d->kind->send(d, (int)n);
  d->waiting |= taken < n;
  return taken;
}

static napi_value method_flush(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct device *d = this_device(&c);
  const char *error = NULL;
  if (d == NULL) return NULL;
  int taken = device_send(d, to_int(env, c.argv[0], -1), &error);
  if (error != NULL) return throw_text(env, "EINVAL", error);
  device_arm(d);
  return number(env, taken);
}

static napi_value method_pause(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct device *d = this_device(&c);
  if (d == NULL) return NULL;
  d->paused = true;
  device_arm(d);
  return NULL;
}

static napi_value method_resume(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct device *d = this_device(&c);
  if (d == NULL) return NULL;
  d->paused = false;
  device_arm(d);
  return NULL;
}

static napi_value method_close(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct device *d = this_device(&c);
  napi_valuetype type;
  if (d == NULL) return NULL;
  napi_typeof(env, c.argv[0], &type);
  if (!d->closed && type == napi_function) napi_create_reference(env, c.argv[0], 1, &d->done);
  device_close(d);
  return NULL;
}

static napi_value method_counters(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct device *d = this_device(&c);
  napi_value object;
  if (d == NULL) return NULL;
  if (!d->closed && d->kind->collect != NULL) d->kind->collect(d);
  napi_create_object(env, &object);
  for (int i = 0; i < counters; i++)
    set(env, object, counter_names[i], number(env, (double)d->count[i]));
  return object;
}

/* Opening ------------------------------------------------------------------------------------ */

static const struct kind *find_kind(napi_env env, napi_value spec) {
  char name[16];
  prop_text(env, spec, "kind", name, sizeof name);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i]->name, name) == 0) return kinds[i];
  return NULL;
}

static struct device *device_new(napi_env env, const struct kind *k, struct arena *a,
                                 int64_t budget) {
  struct device *d = calloc(1, sizeof *d);
  struct block *tx = block_new(tx_max * 2 * sizeof(int32_t));
  if (d == NULL || tx == NULL) {
    free(d);
    block_drop(tx);
    return NULL;
  }
  d->kind = k;
  d->env = env;
  d->fd = -1;
  d->bytes = block_keep(a->bytes);
  d->at_block = block_keep(a->at);
  d->tx_block = tx;
  d->at = (int32_t *)(void *)a->at->bytes;
  d->tx = (int32_t *)(void *)tx->bytes;
  d->slots = a->slots;
  d->slot_bytes = a->slot_bytes;
  d->headroom = a->headroom;
  if (budget < 1 || budget > batch_max) budget = batch_max;
  d->budget = budget < a->slots ? (uint32_t)budget : a->slots;
  return d;
}

static napi_value device_object(struct device *d) {
  napi_env env = d->env;
  napi_value object;
  napi_create_object(env, &object);
  napi_wrap(env, object, d, device_free, NULL, NULL);
  napi_type_tag_object(env, object, &tag);
  set(env, object, "name", text(env, d->name));
  set(env, object, "ifindex", number(env, d->ifindex));
  set(env, object, "tx", block_array(env, d->tx_block, napi_int32_array, tx_max * 2));
  set_function(env, object, "flush", method_flush);
  set_function(env, object, "pause", method_pause);
  set_function(env, object, "resume", method_resume);
  set_function(env, object, "close", method_close);
  set_function(env, object, "counters", method_counters);
  if (d->kind->methods != NULL) d->kind->methods(env, object);
  return object;
}

static void remember(struct device *d, napi_value object, napi_value arena, napi_value on) {
  napi_env env = d->env;
  napi_create_reference(env, object, 1, &d->self);
  napi_create_reference(env, prop(env, arena, "bytes"), 1, &d->arena_bytes);
  napi_create_reference(env, prop(env, arena, "at"), 1, &d->arena_at);
  napi_create_reference(env, on, 1, &d->on);
  napi_create_reference(env, prop(env, on, "rx"), 1, &d->rx);
}

bool device_given(struct device *d, napi_value spec) {
  d->fd = (int)prop_int(d->env, spec, "fd", -1);
  d->given = d->fd >= 0;
  return d->given;
}

static void abandon(struct device *d) {
  if (d->fd >= 0 && !d->given) close(d->fd);
  device_let_go(d);
  free(d);
}

napi_value device_open(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  uv_loop_t *loop;
  const struct kind *k = find_kind(env, c.argv[0]);
  struct arena *a = arena_of(env, c.argv[1]);
  if (k == NULL || a == NULL) return throw_text(env, "EINVAL", "rawio: bad kind or arena");
  struct device *d = device_new(env, k, a, to_int(env, c.argv[2], 0));
  if (d == NULL) return throw_errno(env, k->name, ENOMEM, NULL);
  int error = k->open(d, c.argv[0]);
  napi_get_uv_event_loop(env, &loop);
  if (error == 0) error = -uv_poll_init(loop, &d->poll, d->fd);
  if (error != 0) {
    throw_errno(env, d->what, error, k->needs);
    abandon(d);
    return NULL;
  }
  napi_value object = device_object(d);
  if (k->together) napi_async_init(env, NULL, text(env, "rawio"), &d->context);
  remember(d, object, c.argv[1], c.argv[3]);
  device_watch(d);
  return object;
}
