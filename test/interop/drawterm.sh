#!/bin/bash
# drawterm of 9front, a client of p9any and p9sk1 that is not ours: it gets its tickets from the
# daemon's authentication server, proves with them to a server whose side auth answers, and then
# speaks TLS under the secret that both have. Wrong passwords, and users nobody knows.
# cases: rcpu wrong-password unknown-user
# needs: drawterm
# shellcheck source=test/interop/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
CASES=$*

keys() {
	local key='key proto=p9sk1 dom=lone'
	slash write /auth/ctl "$key user=bootes role=server !password=ofthehost
$key user=bootes role=authsrv !password=ofthehost
$key user=glenda role=authsrv !password='open sesame, as long as it gets'
authsrv tcp!127.0.0.1!567"
}

# dial USER PASSWORD: what the server saw is in $LAB_RUN/rcpu.log.
dial() {
	node "$here/rcpu.mjs" "$SLASHNET" 17019 >"$LAB_RUN/rcpu.log" 2>&1 &
	local rcpu=$!
	until grep -q listening "$LAB_RUN/rcpu.log"; do
		kill -0 "$rcpu" 2>/dev/null || { cat "$LAB_RUN/rcpu.log"; return 1; }
		sleep 0.05
	done
	PASS=$2 timeout 30 drawterm -G -h 127.0.0.1 -a 127.0.0.1 -u "$1" -c true \
		>"$LAB_RUN/drawterm.log" 2>&1 </dev/null
	wait "$rcpu"
}

rcpu_case() {
	dial glenda 'open sesame, as long as it gets' || { cat "$LAB_RUN"/{rcpu,drawterm}.log; return 1; }
	grep '^established\|^tls' "$LAB_RUN/rcpu.log" | sed 's/^/# /'
	grep -q '^established cuid glenda suid glenda$' "$LAB_RUN/rcpu.log" &&
		grep -q '^tls: the secret is the same$' "$LAB_RUN/rcpu.log"
}

# refused USER PASSWORD: no session, and it is counted where drawterm came so far as to try.
refused() {
	! dial "$1" "$2" && ! grep -q established "$LAB_RUN/rcpu.log"
}
wrong_password_case() { refused glenda 'open sesame'; }
unknown_user_case() { refused eve 'open sesame, as long as it gets'; }

with_daemon() {
	local rc
	daemon_start --bare --load auth && keys || return 1
	"$@"
	rc=$?
	daemon_stop || rc=1
	return "$rc"
}

for c in rcpu wrong-password unknown-user; do
	selected "$c" && case_run "$c" with_daemon "${c//-/_}_case"
done
finish
