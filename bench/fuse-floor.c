/* The least that a FUSE server can do for a request: one read(2), a fixed answer, one write(2). It
 * serves one file, `endless`, and is the measure of what bench/fuse.ts finds: fuse-floor DIR */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static int fd;
static char in[1 << 18], out[1 << 18];

static void reply(const struct fuse_in_header *h, int error, const void *body, unsigned n) {
  struct fuse_out_header o = { 16 + n, -error, h->unique };
  memcpy(out, &o, 16);
  if (n > 0) memcpy(out + 16, body, n);
  if (write(fd, out, 16 + n) < 0 && errno != ENOENT) perror("write");
}

static struct fuse_attr attr(int is_dir) {
  return (struct fuse_attr){ .ino = is_dir ? 1 : 2, .nlink = 1,
                             .mode = is_dir ? 040755 : 0100666 };
}

static void init(const struct fuse_in_header *h, const struct fuse_init_in *i) {
  struct fuse_init_out o = { .major = 7, .minor = 31, .max_readahead = i->max_readahead,
                             .flags = FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES, .max_background = 64,
                             .congestion_threshold = 48, .max_write = 1 << 17, .time_gran = 1 };
  reply(h, 0, &o, sizeof o);
}

static void lookup(const struct fuse_in_header *h, const char *name) {
  struct fuse_entry_out o = { .nodeid = 2, .entry_valid = 1, .attr_valid = 1, .attr = attr(0) };
  int found = strcmp(name, "endless") == 0;
  reply(h, found ? 0 : ENOENT, &o, found ? sizeof o : 0);
}

static void serve(const struct fuse_in_header *h, const void *body) {
  static const char data[1 << 17];
  struct fuse_attr_out a = { .attr_valid = 1, .attr = attr(h->nodeid == 1) };
  struct fuse_open_out o = { .fh = 1, .open_flags = FOPEN_DIRECT_IO };
  struct fuse_write_out w = { .size = ((const struct fuse_write_in *)body)->size };
  switch (h->opcode) {
    case FUSE_INIT: init(h, body); break;
    case FUSE_LOOKUP: lookup(h, body); break;
    case FUSE_GETATTR: reply(h, 0, &a, sizeof a); break;
    case FUSE_OPEN: reply(h, 0, &o, sizeof o); break;
    case FUSE_READ: reply(h, 0, data, ((const struct fuse_read_in *)body)->size); break;
    case FUSE_WRITE: reply(h, 0, &w, sizeof w); break;
    case FUSE_RELEASE: reply(h, 0, NULL, 0); break;
    case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT: break;
    default: reply(h, ENOSYS, NULL, 0);
  }
}

int main(int argc, char **argv) {
  char options[99];
  fd = open("/dev/fuse", O_RDWR);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
  if (argc < 2 || mount("floor", argv[1], "fuse.floor", 0, options) < 0) {
    perror("mount");
    return 1;
  }
  puts("mounted");
  fflush(stdout);
  for (;;) {
    ssize_t n = read(fd, in, sizeof in);
    if (n < 0 && errno == ENODEV) return 0;
    if (n > 0) serve((struct fuse_in_header *)in, in + sizeof(struct fuse_in_header));
  }
}
