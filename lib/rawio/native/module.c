/* What JavaScript sees of the addon; its types are in ../src/native.ts. */
#include "arena.h"
#include "device.h"
#include "ifinfo.h"
#include "mount.h"
#include "peercred.h"
#include "pure.h"

NAPI_MODULE_INIT() {
  set_function(env, exports, "arena", arena_make);
  set_function(env, exports, "open", device_open);
  set_function(env, exports, "ifinfo", ifinfo);
  set_function(env, exports, "ifnames", ifnames);
  set_function(env, exports, "mount", mount_fuse);
  set_function(env, exports, "unmount", mount_end);
  set_function(env, exports, "fusermount", mount_unprivileged);
  set_function(env, exports, "peercred", peercred);
  set_function(env, exports, "socktype", socktype);
  set_function(env, exports, "cut", pure_cut);
  set_function(env, exports, "join", pure_join);
  return exports;
}
