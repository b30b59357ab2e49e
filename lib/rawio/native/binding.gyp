{
  "targets": [{
    "target_name": "rawio",
    "sources": ["<!@(ls *.c)"],
    "defines": ["_GNU_SOURCE"],
    "cflags": ["-std=gnu11", "-O3", "-fvisibility=hidden"]
  }]
}
