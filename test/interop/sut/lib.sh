# shellcheck shell=bash
# Common to the systems under test: a private daemon for one case, and the key that it is given.
SLASHNET=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../../.." && pwd)/tools/slashnet.mjs
SOCKET=$LAB_RUN/slashnet.sock
DAEMON=
CAPTURE=

slash() { node "$SLASHNET" -a "unix!$SOCKET" "$@"; }

# Told to stop, it ends the daemon as a user would: that hangs up, politely, and undoes what it did.
stop_daemon() {
	[ -z "$DAEMON" ] || { kill -TERM "$DAEMON" && wait "$DAEMON"; } || true
	DAEMON=
	[ -z "$CAPTURE" ] || wait "$CAPTURE" || true
	CAPTURE=
}
trap 'stop_daemon; exit 0' TERM INT
trap stop_daemon EXIT

# daemon OPTIONS...: start it, and wait until it answers.
daemon() {
	rm -f "$SOCKET"
	node "$SLASHNET" serve --socket "$SOCKET" "$@" &
	DAEMON=$!
	for _ in $(seq 1200); do
		[ -S "$SOCKET" ] && return
		kill -0 "$DAEMON" 2>/dev/null || { echo "slashnet serve ended"; exit 1; }
		sleep 0.05
	done
	echo "slashnet serve does not answer"
	exit 1
}

# capture FILE: keep what a pcap file shows, for the lab to look at.
capture() {
	slash cat "$1" >"$LAB_CAPTURE" &
	CAPTURE=$!
	# A packet that passes before it is open is not in it.
	for _ in $(seq 1200); do
		[ ! -s "$LAB_CAPTURE" ] || return 0
		sleep 0.05
	done
	echo "no capture of $1"
	exit 1
}

# auth_key: by standard input, because others can see a command's arguments. Quoted as rc does.
# Where both ends prove who they are there is a key for each.
auth_key() {
	[ -n "$LAB_AUTH" ] || return 0
	for user in "$LAB_USER" ${LAB_MUTUAL:+lab-server}; do
		printf "key proto=pass service=ppp user='%s' !password='%s'\n" \
			"${user//\'/\'\'}" "${LAB_PASS//\'/\'\'}"
	done | slash write /auth/ctl
}

# until_stopped: stay until told to stop, or until the daemon ends.
until_stopped() { wait "$DAEMON"; }
