#include "napi.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

struct call call_of(napi_env env, napi_callback_info info) {
  struct call c = { .env = env };
  size_t n = sizeof c.argv / sizeof c.argv[0];
  napi_get_cb_info(env, info, &n, c.argv, &c.self, NULL);
  return c;
}

int64_t to_int(napi_env env, napi_value v, int64_t fallback) {
  int64_t n;
  return napi_get_value_int64(env, v, &n) == napi_ok ? n : fallback;
}

bool to_text(napi_env env, napi_value v, char *out, size_t size) {
  size_t n = 0;
  out[0] = 0;
  if (napi_get_value_string_utf8(env, v, NULL, 0, &n) != napi_ok || n >= size) return false;
  napi_get_value_string_utf8(env, v, out, size, &n);
  return strlen(out) == n;
}

uint8_t *to_bytes(napi_env env, napi_value v, size_t *n) {
  napi_typedarray_type type;
  void *bytes = NULL;
  bool is = false;
  *n = 0;
  if (napi_is_typedarray(env, v, &is) != napi_ok || !is) return NULL;
  napi_get_typedarray_info(env, v, &type, n, &bytes, NULL, NULL);
  if (type == napi_uint8_array) return bytes;
  *n = 0;
  return NULL;
}

napi_value prop(napi_env env, napi_value object, const char *name) {
  napi_value v = NULL;
  napi_get_named_property(env, object, name, &v);
  return v;
}

int64_t prop_int(napi_env env, napi_value object, const char *name, int64_t fallback) {
  return to_int(env, prop(env, object, name), fallback);
}

bool prop_text(napi_env env, napi_value object, const char *name, char *out, size_t size) {
  return to_text(env, prop(env, object, name), out, size);
}

napi_value number(napi_env env, double v) {
  napi_value n = NULL;
  napi_create_double(env, v, &n);
  return n;
}

napi_value text(napi_env env, const char *s) {
  napi_value v = NULL;
  napi_create_string_utf8(env, s, NAPI_AUTO_LENGTH, &v);
  return v;
}

void set(napi_env env, napi_value object, const char *name, napi_value v) {
  napi_set_named_property(env, object, name, v);
}

void set_function(napi_env env, napi_value object, const char *name, napi_callback f) {
  napi_value v = NULL;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, f, NULL, &v);
  set(env, object, name, v);
}

napi_value throw_text(napi_env env, const char *code, const char *message) {
  napi_throw_error(env, code, message);
  return NULL;
}

/* An error text of this project has at most 127 bytes (ERRMAX), so the hint is one line. */
static const char *hint(int error, const char *needs, char *out, size_t size) {
  out[0] = 0;
  if (needs != NULL && (error == EPERM || error == EACCES))
    snprintf(out, size, ": need %s: setcap cap_net_raw,cap_net_admin+ep $(realpath $(which node))",
             needs);
  return out;
}

napi_value throw_errno(napi_env env, const char *what, int error, const char *needs) {
  char code[32], reason[64], advice[128], message[256];
  uv_err_name_r(-error, code, sizeof code);
  snprintf(reason, sizeof reason, "%s", strerror(error));
  reason[0] = (char)tolower((unsigned char)reason[0]);
  snprintf(message, sizeof message, "%s: %s%s", what, reason,
           hint(error, needs, advice, sizeof advice));
  return throw_text(env, code, message);
}
