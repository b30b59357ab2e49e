#!/bin/bash
# What a user is told when it goes wrong, and after how long: the text of `connect`, and of err.
# cases: wrong-password no-ac ac-killed ether-removed
# shellcheck source=test/interop/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
CASES=$*
export LAB_AUTH=chap

compose() { # PASSWORD
	daemon_start --ether "ether0=$LAB_IF" || return 1
	printf "key proto=pass service=ppp user=%s !password='%s'\n" "$LAB_USER" "$1" | slash write /auth/ctl
	slash cat /pppoe/clone >/dev/null && slash cat /ppp/clone >/dev/null &&
		slash write /pppoe/0/ctl 'bind /net/ether0' &&
		slash write /ppp/0/ctl 'echo 1 3' 'bind /net/pppoe/0/data'
}

# connect: how it ended, on the standard output with the time that it took; its exit status.
connect() {
	local begin text rc
	begin=$(now_ms)
	text=$(slash write /ppp/0/ctl connect 2>&1)
	rc=$?
	echo "# connect: ${text:-done} ($(($(now_ms) - begin)) ms)"
	return "$rc"
}

# told PATTERN: err says it.
told() {
	local err
	err=$(slash cat /ppp/0/err)
	echo "# err: $err"
	grep -qE "$1" <<<"$err"
}

# down PATTERN SECONDS: the link ends by itself in time, for this reason.
down() {
	local begin
	begin=$(now_ms)
	for _ in $(seq $(($2 * 10))); do
		slash cat /ppp/0/status | grep -q 'phase Dead' && break
		sleep 0.1
	done
	echo "# down after $(($(now_ms) - begin)) ms"
	told "$1" && ! ip link show ppp0 >/dev/null 2>&1
}

wrong_password() {
	ac_start
	compose 'not this' && ! connect && told 'auth|chap|refused|denied'
}
no_ac() { # nobody answers
	compose "$LAB_PASS" && slash write /pppoe/0/ctl 'timeout 4' && ! connect &&
		told 'no access concentrator'
}
ac_killed() { # without a word: the guest's interface goes down first
	ac_start
	compose "$LAB_PASS" && connect || return 1
	g "ip link set $DEV down; busybox killall -q -KILL pppd pppoe-server; ip link set $DEV up"
	down 'no answer|gone|keepalive|echo' 20
}
ether_removed() {
	ac_start
	compose "$LAB_PASS" && connect || return 1
	ip link add name spare type dummy 2>/dev/null
	ip link del "$LAB_IF" || return 1
	down 'gone|removed|vanished' 5
}

with_daemon() {
	DAEMON=
	local rc
	"$@"
	rc=$?
	[ -z "$DAEMON" ] || daemon_stop || rc=1
	ac_stop
	return "$rc"
}

net_options
# shellcheck disable=SC2086  # words
guest start peer $NET || exit 1
ppp_setup
for c in wrong-password no-ac ac-killed ether-removed; do
	selected "$c" && case_run "$c" with_daemon "${c//-/_}"
done
finish
