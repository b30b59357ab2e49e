#!/bin/bash
# The script of the README, word for word, on a FUSE mount against the lab's access concentrator;
# before its last line 1,000 pings, iperf3 each way; after it, what went over the wire and what is
# left on the host.
# cases: script
# shellcheck source=test/interop/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
CASES=$*
# What the README's script names.
export LAB_IF=eth1 LAB_USER=glenda LAB_PASS=secret LAB_AUTH=chap SECS=${SECS:-3}
unset SLASHNET # the script uses the default socket
export XDG_RUNTIME_DIR=$LAB_RUN

# The fence after the line that says so, in two parts: all, and the hangup.
script_parts() {
	awk '/<!-- script -->/ {on = 1; next} on && /^```/ {if (n++) exit; next} on && n' \
		"$here/../../README.md" >"$LAB_RUN/script"
	grep -v hangup "$LAB_RUN/script" >"$LAB_RUN/script.up"
	grep hangup "$LAB_RUN/script" >"$LAB_RUN/script.down"
	[ -s "$LAB_RUN/script.up" ] && [ -s "$LAB_RUN/script.down" ]
}

traffic() {
	# Without -w ping waits two round trips for the last answer; with it, it goes on until 1000 have
	# come: those must be the answers to the first 1000.
	ping -c 1000 -i 0.005 -w 60 "$LAB_PEER_IP" >"$LAB_RUN/ping" || { cat "$LAB_RUN/ping"; return 1; }
	local all
	all=$(grep -o 'icmp_seq=[0-9]*' "$LAB_RUN/ping" | sort -u -V | tail -n 1)
	[ "$all" = icmp_seq=1000 ] || { tail -n 20 "$LAB_RUN/ping"; return 1; }
	echo "# $(grep received "$LAB_RUN/ping"); $(grep rtt "$LAB_RUN/ping")"
	local way
	for way in '' -R; do
		g "iperf3 -s -D -1 >/dev/null; until busybox netstat -ltn | grep -q :5201; do sleep 0.1; done"
		# shellcheck disable=SC2086  # -R or nothing
		iperf3 -c "$LAB_PEER_IP" -t "$SECS" -f m $way >"$LAB_RUN/iperf" || { cat "$LAB_RUN/iperf"; return 1; }
		echo "# iperf3 $way: $(awk '/receiver/ {print $7, $8}' "$LAB_RUN/iperf")"
	done
}

# wire WHAT FILTER: a packet from our own address that tshark's filter finds.
wire() {
	local n
	n=$(tshark -r "$LAB_RUN/wire.pcap" -Y "$2 && eth.src == $mac" 2>/dev/null | wc -l)
	[ "$n" -gt 0 ] || { echo "# no $1 from $mac on the wire"; return 1; }
	echo "# $1 from $mac: $n"
}

nothing_left() {
	! ip link show ppp0 >/dev/null 2>&1 || { echo "# ppp0 is still there"; return 1; }
	! ip route | grep ppp || { echo "# routes are still there"; return 1; }
}

script_case() {
	script_parts || { echo "# no script in the README"; return 1; }
	ac_start
	mkdir -p "$LAB_RUN/bin"
	ln -sf "$(readlink -f "$SLASHNET_BIN")" "$LAB_RUN/bin/slashnet"
	PATH=$LAB_RUN/bin:$PATH
	mac=$(ip -o link show "$LAB_IF" | grep -o 'ether [0-9a-f:]*' | cut -c7-)
	tcpdump -i "$LAB_IF" --immediate-mode -U -w "$LAB_RUN/wire.pcap" 2>"$LAB_RUN/tcpdump.log" &
	local dump=$! rc=0
	until grep -qs listening "$LAB_RUN/tcpdump.log"; do sleep 0.05; done
	set -e
	# shellcheck disable=SC1091  # made above
	. "$LAB_RUN/script.up" >"$LAB_RUN/sut.log" 2>&1
	set +e
	grep '^Opened' "$LAB_RUN/sut.log" | sed 's/^/# /'
	traffic || rc=1
	# shellcheck disable=SC1091
	. "$LAB_RUN/script.down" || rc=1
	sleep 0.5 # tcpdump writes what it has seen
	kill "$dump"
	wait "$dump"
	wire Terminate-Request 'ppp.protocol == 0xc021 && ppp.code == 5' || rc=1
	wire PADT 'pppoe.code == 0xa7' || rc=1
	nothing_left || rc=1
	slashnet unmount /mnt || rc=1
	DAEMON=$(pgrep -f 'serve --ether ether0=eth1')
	daemon_stop || rc=1
	ac_stop
	return "$rc"
}

net_options
# shellcheck disable=SC2086  # words
guest start peer $NET || exit 1
ppp_setup
selected script && case_run script script_case
finish
