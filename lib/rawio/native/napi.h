/* Node-API in fewer words: arguments, properties, errors. */
#pragma once
#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The arguments of a call; those not given are undefined. */
struct call {
  napi_env env;
  napi_value self;
  napi_value argv[6];
};
struct call call_of(napi_env env, napi_callback_info info);

/* Never fail: what is missing or of another type is the fallback, '' or NULL. */
int64_t to_int(napi_env env, napi_value v, int64_t fallback);
bool to_text(napi_env env, napi_value v, char *out, size_t size);  /* false: no text, or too long */
uint8_t *to_bytes(napi_env env, napi_value v, size_t *n);          /* of a Uint8Array, else NULL */

napi_value prop(napi_env env, napi_value object, const char *name);
int64_t prop_int(napi_env env, napi_value object, const char *name, int64_t fallback);
bool prop_text(napi_env env, napi_value object, const char *name, char *out, size_t size);

napi_value number(napi_env env, double v);
napi_value text(napi_env env, const char *s);
void set(napi_env env, napi_value object, const char *name, napi_value v);
void set_function(napi_env env, napi_value object, const char *name, napi_callback f);

/* Throws `what: reason` with the errno's name as code; error is positive. `needs` names the
 * capability that EPERM and EACCES ask for, or is NULL. Always returns NULL. */
napi_value throw_errno(napi_env env, const char *what, int error, const char *needs);
napi_value throw_text(napi_env env, const char *code, const char *message);
