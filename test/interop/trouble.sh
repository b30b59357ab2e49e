#!/bin/bash
# A serial line with pppd at its other end, on which things go wrong while packets pass: what ends
# the link is noticed and called again, what does not, it survives. The stack is the client.
# cases: restarted killed hangup noise
set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=test/interop/lab/lib.sh
. "$here/lab/lib.sh"
: "${SUT_CMD:=$here/sut/serial}"
export SUT_CMD LAB_ROLE=client LAB_AUTH=chap
CASES=$*
slash() { node "$here/../../tools/slashnet.mjs" -a "unix!$LAB_RUN/slashnet.sock" "$@"; }
in_guest() { echo "$LAB_RUN/peer/$LAB_CASE.$1"; }

# peer_up OPTIONS...: pppd, once more. What the last one told is forgotten.
peer_up() {
	{
		ppp_options server
		printf '%s\n' 'local nocrtscts' "$LAB_PEER_IP:$LAB_SUT_IP" "$@"
	} >"$(in_guest options)"
	rm -f "$(in_guest ip-up)" "$(in_guest ip-down)"
	g_pppd /dev/ttyS1 115200
}
# signal NAME: to pppd.
signal() { g "busybox killall -$1 pppd"; }
# pings COUNT LEAST: so many, of which at least so many are answered.
pings() {
	local ifc answered
	read -r ifc _ <"$(in_guest ip-up)"
	answered=$(guest run --timeout 200 peer "ping -q -c $1 -i 0.2 -W 2 -I $ifc $LAB_SUT_IP" |
		sed -n 's/.* \([0-9]*\) received.*/\1/p')
	[ "${answered:-0}" -ge "$2" ] || { echo "# $answered of $1 pings answered"; return 1; }
	echo "$answered of $1 pings"
}
# trouble FUNCTION: from the first time that the link is up until it is stopped.
trouble() {
	local rc=1
	if sut_start && until_file 120 "$(in_guest ip-up)" && "$1"; then rc=0; fi
	sut_stop
	capture_check || rc=1
	g "$KILL_PPP"
	return "$rc"
}
again() { until_file 90 "$(in_guest ip-up)" && pings 10 10; }

# Another pppd begins on the line, before anybody has missed the first: LCP starts anew.
restarted() {
	signal KILL
	peer_up
	again
}
# Nobody is there: found by echo, and called until there is.
killed() {
	slash watch -t 60 -u '^down ' -e "$LAB/guest run peer 'busybox killall -KILL pppd'" \
		/ppp/0/event || return 1
	peer_up
	again
}
# pppd hangs up by itself, and takes the next call.
hangup() {
	rm "$(in_guest ip-up)"
	signal HUP
	until_file 30 "$(in_guest ip-down)" && again
}
# One byte in 1,000 is other than it was sent, each way, for a minute.
noise() {
	slash write /loop/0/ctl 'chunk 1' 'corrupt 0.1' || return 1
	pings 300 150 || return 1
	slash cat /ppp/0/stats | tr '\n' ' '
	[ ! -e "$(in_guest ip-down)" ] || { echo "# the link went down"; return 1; }
	slash write /loop/0/ctl clear
	pings 20 20
}

# selected NAME OPTIONS...: the case, with more options of pppd.
try() {
	selected "$1" || return 0
	run() { peer_up "${@:2}" && trouble "$1"; }
	case_run "$1" run "$@"
}

guest start peer --serial 1 || exit 1
ppp_setup
export LAB_TTY="$LAB_RUN/peer/tty1" LAB_WIRE=
patient=$'maxconfigure 40\ntimeout lcp 120' # a busy machine's guest is late
export LAB_OPTIONS=$patient$'\nredial 1000\necho 1 3'
try restarted
try killed
try hangup persist 'holdoff 1' 'maxfail 0'
LAB_OPTIONS=$patient LAB_WIRE=1
try noise
finish
