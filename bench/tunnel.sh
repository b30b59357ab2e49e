#!/bin/bash
# One side of the tunnel bench: a daemon whose TUN device's packets go by ppp and pppoe, both set
# by hand, over an Ethernet interface. bench/tunnel.ts has the yardstick's tunnel.sh run it, with
# TUN and ETHER appended and SIDE=1 or 2. With LOOP=1 a wire of loop without faults lies between
# ppp and pppoe.
set -eu
tun=$1 ether=$2 me=10.99.0.$SIDE peer=$((3 - SIDE))
bin=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)/tools/slashnet.mjs
socket=${BENCH_DIR:-/tmp}/tunnel.$SIDE.$$.sock
mac() { echo "02:00:00:00:00:0$1"; }
slash() { node "$bin" -a "unix!$socket" "$@"; }

compose() {
	until [ -S "$socket" ]; do sleep 0.05; done
	local pppoe ppp below
	pppoe=$(slash cat /pppoe/clone)
	slash write "/pppoe/$pppoe/ctl" "bind /net/ether0" "static session 7 mac $(mac "$peer")"
	below=/net/pppoe/$pppoe/data
	if [ -n "${LOOP-}" ]; then
		local wire
		wire=$(slash cat /loop/clone)
		slash write "/loop/$wire/ctl" "bind $below"
		below=/net/loop/$wire/data
	fi
	ppp=$(slash cat /ppp/clone)
	slash write "/ppp/$ppp/ctl" "bind $below"
	slash write "/ppp/$ppp/ctl" "ifname $tun" "mtu 1492" "static $me 10.99.0.$peer" connect
}

ip link set "$ether" address "$(mac "$SIDE")"
compose >&2 &
# The yardstick reads the CPU time of the process that it started: the daemon must be that one.
exec node "$bin" serve --quiet --socket "$socket" --ether "ether0=$ether"
