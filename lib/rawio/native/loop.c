#include "device.h"
#include <errno.h>

/* Calling JavaScript ------------------------------------------------------------------------- */

static napi_value get(struct device *d, napi_ref ref) {
  napi_value v = NULL;
  napi_get_reference_value(d->env, ref, &v);
  return v;
}

/* An exception in a callback is the program's: it goes where uncaught ones go, and the result is
 * NULL. */
static napi_value call(struct device *d, napi_value f, size_t argc, const napi_value *argv) {
  napi_value error, result = NULL, on = get(d, d->on);
  napi_status s = d->scoped ? napi_call_function(d->env, on, f, argc, argv, &result)
                            : napi_make_callback(d->env, NULL, on, f, argc, argv, &result);
  if (s == napi_ok) return result;
  if (s == napi_pending_exception &&
      napi_get_and_clear_last_exception(d->env, &error) == napi_ok)
    napi_fatal_exception(d->env, error);
  return NULL;
}

static void tell(struct device *d, const char *event, size_t argc, const napi_value *argv) {
  call(d, prop(d->env, get(d, d->on), event), argc, argv);
}

/* The event loop ----------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static bool pending(struct device *d) { return d->kind->pending != NULL && d->kind->pending(d); }

static bool reading(const struct device *d) { return !d->paused && !d->closed && !d->over; }

/* Asks for what is wanted now; a change costs two system calls, so only if it is one. */
void device_arm(struct device *d) {
  if (d->closed) return;
  /* What is pending needs an event that comes at once: writable is one. */
  bool soon = !d->over && (d->waiting || (reading(d) && pending(d)));
  int want = (reading(d) ? UV_READABLE : 0) | (soon ? UV_WRITABLE : 0);
  if (want == d->armed) return;
  d->armed = want;
  if (want != 0) uv_poll_start(&d->poll, want, on_poll);
  else uv_poll_stop(&d->poll);
}

static void check_gone(struct device *d, int error) {
  int why = d->kind->gone(d, error);
  if (why == 0) return;
  char name[32];
  uv_err_name_r(-why, name, sizeof name);
  d->over = true;
  napi_value reason = text(d->env, name);
  tell(d, "gone", 1, &reason);
}

/* ENOBUFS: more happened than a netlink socket could hold. */
static void failed(struct device *d, int error) {
  if (error == EAGAIN) return;
  if (error != ENOBUFS) {
    check_gone(d, error);
    return;
  }
  d->count[rx_lost]++;
  tell(d, "lost", 0, NULL);
}

/* What rx returned: so many messages to send now, which saves a call. */
static void answer(struct device *d, napi_value result) {
  const char *error = NULL;
  int64_t n = result == NULL ? 0 : to_int(d->env, result, 0);
  if (n != 0) device_send(d, n, &error);
}

/* One batch; whether there may be more. */
static bool receive(struct device *d) {
  int n = d->kind->receive(d);
  if (n < 0) {
    failed(d, -n);
    return false;
  }
  d->count[rx_packets] += (uint64_t)n;
  napi_value argv[3] = { number(d->env, n), get(d, d->arena_bytes), get(d, d->arena_at) };
  if (n > 0) answer(d, call(d, get(d, d->rx), 3, argv));
  return true;
}

static void receive_all(struct device *d) {
  for (int i = 0; (i < d->kind->rounds || pending(d)) && reading(d); i++)
    if (!receive(d)) break;
}

/* A callback scope costs as much as a small batch. */
static void receive_together(struct device *d) {
  napi_callback_scope scope;
  if (napi_open_callback_scope(d->env, NULL, d->context, &scope) != napi_ok) return;
  d->scoped = true;
  receive_all(d);
  d->scoped = false;
  napi_close_callback_scope(d->env, scope);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct device *d = poll->data;
  napi_handle_scope scope;
  napi_open_handle_scope(d->env, &scope);
  if (status < 0) {  /* libuv has stopped watching */
    d->armed = 0;
    check_gone(d, 0);
  }
  if (d->kind->together) receive_together(d);
  else receive_all(d);
  if (events & UV_WRITABLE && d->waiting && !d->closed && !d->over) {
    d->waiting = false;
    tell(d, "room", 0, NULL);
  }
  device_arm(d);
  napi_close_handle_scope(d->env, scope);
}

/* Closing ------------------------------------------------------------------------------------ */

static void drop_ref(struct device *d, napi_ref *ref) {
  if (*ref != NULL) napi_delete_reference(d->env, *ref);
  *ref = NULL;
}

/* After this the collector may take the object, and device_free the rest. */
void device_let_go(struct device *d) {
  if (d->kind->free != NULL) d->kind->free(d);
  d->state = NULL;
  block_drop(d->bytes);
  block_drop(d->at_block);
  block_drop(d->tx_block);
  d->bytes = d->at_block = d->tx_block = NULL;
  napi_ref *refs[] = { &d->arena_bytes, &d->arena_at, &d->on, &d->rx, &d->done, &d->self };
  for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) drop_ref(d, refs[i]);
  if (d->context != NULL) napi_async_destroy(d->env, d->context);
  d->context = NULL;
  if (d->cleanup != NULL) napi_remove_async_cleanup_hook(d->cleanup);
  d->cleanup = NULL;
}

static void on_fd_closed(uv_fs_t *request) {
  struct device *d = request->data;
  napi_handle_scope scope;
  uv_fs_req_cleanup(request);
  napi_open_handle_scope(d->env, &scope);
  if (d->done != NULL) call(d, get(d, d->done), 0, NULL);
  device_let_go(d);
  napi_close_handle_scope(d->env, scope);
}

/* The kernel takes 8 to 20 ms to close a TUN or packet socket: that is for the thread pool. */
static void on_poll_closed(uv_handle_t *handle) {
  struct device *d = handle->data;
  d->close_request.data = d;
  uv_fs_close(handle->loop, &d->close_request, d->fd, on_fd_closed);
}

void device_close(struct device *d) {
  if (d->closed) return;
  d->closed = true;
  uv_close((uv_handle_t *)&d->poll, on_poll_closed);
}

static void on_env_exit(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  device_close(data);
}

void device_watch(struct device *d) {
  d->poll.data = d;
  napi_add_async_cleanup_hook(d->env, on_env_exit, d, &d->cleanup);
  device_arm(d);
}

