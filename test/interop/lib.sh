# shellcheck shell=bash
# Common to the scenarios beside this file: the lab's access concentrator in a guest, and slashnet
# on this side.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=test/interop/lab/lib.sh
. "$here/lab/lib.sh"
SLASHNET_BIN=$here/../../tools/slashnet.mjs
export LAB_AC=lab-ac LAB_SERVICE=lab-service SLASHNET="unix!$LAB_RUN/slashnet.sock"

# ac_start: an access concentrator that demands LAB_AUTH: pppoe-server, the kernel's PPPoE, pppd.
ac_start() {
	ppp_options server >"$LAB_RUN/peer/$LAB_CASE.options"
	g "pppoe-server -I $DEV -C $LAB_AC -S $LAB_SERVICE -O /lab/$LAB_CASE.options \
		-L $LAB_PEER_IP -R $LAB_SUT_IP -N 4 -q $LAB/pppd-kernel"
}
ac_stop() { g "$KILL_PPP"; }

slash() { node "$SLASHNET_BIN" "$@"; }

# daemon_start OPTIONS...: a daemon on $SLASHNET; sets DAEMON.
daemon_start() {
	node "$SLASHNET_BIN" serve --socket "${SLASHNET#unix!}" "$@" >"$LAB_RUN/sut.log" 2>&1 &
	DAEMON=$!
	for _ in $(seq 1200); do
		[ -S "${SLASHNET#unix!}" ] && return
		sleep 0.05
	done
	echo "# no daemon"
	return 1
}

# daemon_stop: within five seconds. It has two where nobody else wants the machine.
daemon_stop() {
	kill -TERM "$DAEMON" 2>/dev/null
	for _ in $(seq 100); do
		kill -0 "$DAEMON" 2>/dev/null || { wait "$DAEMON"; return 0; }
		sleep 0.05
	done
	echo "# the daemon did not end in 5 s"
	kill -KILL "$DAEMON"
	return 1
}

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
