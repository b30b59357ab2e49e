#!/bin/bash
# VJ header compression against the kernel's: TCP both ways over a serial line of pppd, client and
# server; both ends' counters show that it worked.
# cases: server-plain client-plain
# needs: pppstats
set -eu
here=$(dirname "$(readlink -f "$0")")
export SUT_CMD=$here/sut/serial LAB_CHECK=$here/sut/check-vj
exec "$here/lab/serial.sh" "$@"
