/* What there is to know of a network interface without netlink. */
#include "ifinfo.h"
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static napi_value mac_of(napi_env env, const struct ifreq *r) {
  void *bytes;
  napi_value buffer, mac = NULL;
  napi_create_arraybuffer(env, 6, &bytes, &buffer);
  memcpy(bytes, r->ifr_hwaddr.sa_data, 6);
  napi_create_typedarray(env, napi_uint8_array, 6, buffer, 0, &mac);
  return mac;
}

/* 0 or an errno. Each request overwrites the answer of the one before. */
static int fill(napi_env env, int s, struct ifreq *r, napi_value object) {
  if (ioctl(s, SIOCGIFINDEX, r) < 0) return errno;
  set(env, object, "index", number(env, r->ifr_ifindex));
  if (ioctl(s, SIOCGIFMTU, r) < 0) return errno;
  set(env, object, "mtu", number(env, r->ifr_mtu));
  if (ioctl(s, SIOCGIFFLAGS, r) < 0) return errno;
  set(env, object, "flags", number(env, (uint16_t)r->ifr_flags));
  if (ioctl(s, SIOCGIFHWADDR, r) < 0) return errno;
  set(env, object, "type", number(env, r->ifr_hwaddr.sa_family));
  set(env, object, "mac", mac_of(env, r));
  return 0;
}

napi_value ifinfo(napi_env env, napi_callback_info info) {
  struct call c = call_of(env, info);
  struct ifreq r = { 0 };
  char what[64];
  napi_value object;
  napi_create_object(env, &object);
  bool named = to_text(env, c.argv[0], r.ifr_name, IFNAMSIZ);
  snprintf(what, sizeof what, "interface %s", r.ifr_name);
  if (!named) return throw_errno(env, what, ENODEV, NULL);
  int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int error = s < 0 ? errno : fill(env, s, &r, object);
  if (s >= 0) close(s);
  return error == 0 ? object : throw_errno(env, what, error, NULL);
}

napi_value ifnames(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value list;
  napi_create_array(env, &list);
  struct if_nameindex *all = if_nameindex();
  if (all == NULL) return throw_errno(env, "interfaces", errno, NULL);
  for (uint32_t i = 0; all[i].if_index != 0; i++)
    napi_set_element(env, list, i, text(env, all[i].if_name));
  if_freenameindex(all);
  return list;
}
