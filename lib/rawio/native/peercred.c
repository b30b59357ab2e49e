/* What the kernel knows of a socket: who is at the other end, and whether it has packets. */
#include "peercred.h"
#include <errno.h>
#include <sys/socket.h>

napi_value peercred(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct ucred who;
  socklen_t n = sizeof who;
  int fd = (int)to_int(env, c.argv[0], -1);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
    return throw_errno(env, "peercred", errno, NULL);
  napi_value object;
  napi_create_object(env, &object);
  set(env, object, "uid", number(env, who.uid));
  set(env, object, "gid", number(env, who.gid));
  return object;
}

/* SOCK_STREAM is 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5; 0: this is no socket. */
napi_value socktype(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  int type = 0;
  socklen_t n = sizeof type;
  int fd = (int)to_int(env, c.argv[0], -1);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) < 0 && errno != ENOTSOCK)
    return throw_errno(env, "socktype", errno, NULL);
  return number(env, type);
}
