#!/bin/bash
# The kernel's v9fs mounts a daemon, in 9P2000, .u and .L, in each way that docs/9p.md has for it:
# trans=tcp to a listener that believes names, trans=unix to the socket by way of a forwarder, and
# trans=fd over TLS with a client certificate.
# cases: fd.L fd fd.u tcp tcp.u tcp.L unix unix.u unix.L
# shellcheck source=test/interop/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
CASES=$*
FILES=$LAB_RUN/files.sock
MOUNTED=/media/9p

# certificates: an authority, the server, and the daemon's owner as its client.
certificates() {
	cd "$LAB_RUN/peer" || return 1
	local key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes' name
	# shellcheck disable=SC2086  # words
	openssl req -x509 $key -days 2 -subj /CN=ca -keyout ca.key -out ca.pem
	for name in slashnet root; do
		# shellcheck disable=SC2086
		openssl req $key -subj "/CN=$name" -keyout $name.key -out $name.csr
		openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
			-in $name.csr -out $name.pem
	done
}

# servers_start: the daemon on all its carriers, with a file server in its name space.
servers_start() {
	rm -f "$FILES"
	node "$here/files9p.mjs" "$FILES" & FILESERVER=$!
	local tls="--cert slashnet.pem --key slashnet.key --ca ca.pem"
	# shellcheck disable=SC2086  # words
	daemon_start --bare --load auth loop --chatty --insecure $tls \
		--listen "tcp!$LAB_SUT_LAN!5640" "tls!$LAB_SUT_LAN!5641" || return 1
	for _ in $(seq 200); do
		grep -q 'listening on tls' "$LAB_RUN/sut.log" && break
		sleep 0.05
	done
	until [ -S "$FILES" ]; do sleep 0.05; done
	slash write /ctl "mount unix!$FILES /n/files" && slash cat /version >"$LAB_RUN/peer/version" &&
		slash cat /n/files/big >"$LAB_RUN/peer/big"
}
servers_stop() { kill "$FILESERVER"; wait "$FILESERVER"; daemon_stop; }

# What the guest does in the mounted tree. $1: the dialect.
# shellcheck disable=SC2016  # the guest's shell expands it
CHECKS='
set -e
ls -lR . >/run/ls
grep -q " ctl$" /run/ls && grep -q " big$" /run/ls
cmp version /lab/version
cmp n/files/big /lab/big
for i in 1 2 3 4; do dd if=n/files/big of=/run/big.$i bs=61440 2>/dev/null & done; wait
for i in 1 2 3 4; do cmp /run/big.$i /lab/big; done
rm /run/big.*
echo rewritten >n/files/hello
test "$(cat n/files/hello)" = rewritten
echo more >>n/files/hello
test "$(wc -l <n/files/hello)" = 2
dd if=/lab/big of=n/files/dir/copy bs=61440 2>/dev/null
cmp n/files/dir/copy /lab/big
mkdir n/files/dir/made && rmdir n/files/dir/made
mv n/files/dir/copy n/files/dir/moved && rm n/files/dir/moved
n=$(cat loop/clone)
echo delay 5 >loop/$n/ctl
! echo bogus >loop/$n/ctl
grep -q "unknown control message" loop/$n/err
! cat nosuchfile
echo "# $(wc -l </run/ls) lines of ls"
# A read that waits for a line of log, until it sleeps in the request; Ctrl-C ends it.
blocked() {
	cat log >/run/log.out & reader=$!
	for i in $(seq 100); do
		grep -q "p9_\|v9fs\|netfs" /proc/$reader/stack 2>/dev/null && return
		busybox usleep 50000
	done
	echo "# no read waits"; return 1
}
blocked
kill -INT $reader 2>/dev/null || true
kill -TERM $reader 2>/dev/null || true
wait $reader || rc=$?
test "$rc" -gt 128
cat version >/dev/null
echo close >loop/$n/ctl
blocked
'

# gone: nothing is left of the guest's connection, and the daemon is well.
gone() {
	for _ in $(seq 100); do
		[ -z "$(ss -Htn state established '( sport = :5640 or sport = :5641 )')" ] &&
			slash ls / >/dev/null && return
		sleep 0.05
	done
	echo "# the guest is still connected"
	return 1
}

case_v9fs() { # TRANSPORT DIALECT
	local how before='' fds=''
	servers_start || return 1
	case $1 in
	tcp) how="trans=tcp,port=5640 $LAB_SUT_LAN" ;;
	unix)
		local forward="UNIX-LISTEN:/run/9p,unlink-early,fork TCP:$LAB_SUT_LAN:5640"
		before="rm -f /run/9p; socat $forward & until [ -S /run/9p ]; do sleep 0.1; done"
		how="trans=unix /run/9p"
		;;
	fd) # what `slashnet connect` does too, but node is slow in a guest
		local keys=cafile=/lab/ca.pem,cert=/lab/root.pem,key=/lab/root.key
		before="mkfifo /run/to /run/from
socat - OPENSSL:$LAB_SUT_LAN:5641,commonname=slashnet,$keys </run/to >/run/from 2>/lab/socat &"
		how='trans=fd,rfdno=7,wfdno=8 none'
		fds='8>/run/to 7</run/from'
		;;
	esac
	printf '%s' "$CHECKS" >"$LAB_RUN/peer/script"
	cat >"$LAB_RUN/peer/mount" <<-END
		$before
		mount -t 9p -o version=$2,msize=65536,cache=none,access=any,uname=root,$how $MOUNTED $fds
	END
	guest run --timeout 100 peer "
		mkdir -p $MOUNTED
		bash /lab/mount || { cat /lab/socat 2>/dev/null; exit 1; }
		cd $MOUNTED && sh -x /lab/script >/lab/trace 2>&1
		rc=\$?
		grep '^#' /lab/trace
		[ \$rc = 0 ] || tail -n 20 /lab/trace
		cd /
		# A read is outstanding: umount says so, umount -l goes when it has ended.
		umount $MOUNTED 2>/dev/null && echo '# unmounted under a reader' && rc=1
		umount -l $MOUNTED || rc=1
		busybox killall -q cat
		for i in \$(seq 100); do
			busybox pidof cat >/dev/null || break
			busybox usleep 50000
		done
		busybox pidof cat && echo '# the reader does not end' && rc=1
		rm -f /run/to /run/from
		exit \$rc"
	local rc=$?
	[ "$rc" = 0 ] || grep -av 'read tag .* count \(1310\|61440\|655\)' "$LAB_RUN/sut.log" | tail -n 30
	gone || rc=1
	g "busybox killall -q socat"
	servers_stop || rc=1
	return "$rc"
}

net_options
# shellcheck disable=SC2086  # words
guest start peer $NET || exit 1
lan_setup
certificates >"$LAB_RUN/certificates" 2>&1 || exit 1
for transport in fd tcp unix; do
	for dialect in .L "" .u; do
		selected "$transport$dialect" &&
			case_run "$transport$dialect" case_v9fs $transport "9p2000$dialect"
	done
done
finish
