#!/bin/bash
# diod, a server of 9P2000.L that is not ours, and our client: the commands, its tree mounted in the
# name space at /n/diod, and over FUSE.
# cases: client namespace fuse
# shellcheck source=test/interop/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
CASES=$*
PORT=5640
TREE=$LAB_RUN/tree
AT=tcp!127.0.0.1!$PORT

# To diod's tree itself.
d() { slash -a "$AT" --aname "$TREE" --uname root "$@"; }

diod_start() {
	rm -rf "$TREE"
	mkdir -p "$TREE/dir/inner" "$TREE/many"
	mkdir -m 700 "$TREE/secret" && echo secret >"$TREE/secret/file"
	chmod 755 "$LAB_RUN" # for another user, too
	echo hello >"$TREE/dir/hello"
	: >"$TREE/empty"
	head -c 20000003 /dev/urandom >"$TREE/big"
	for i in $(seq 500); do echo "$i" >"$TREE/many/file$i"; done
	# diod turns away a client whose address has no name.
	echo '127.0.0.1 localhost' >"$LAB_RUN/hosts"
	mount --bind "$LAB_RUN/hosts" /etc/hosts
	diod -f -n -c /dev/null -L stderr -e "$TREE" -l "127.0.0.1:$PORT" \
		>"$LAB_RUN/diod.log" 2>&1 &
	DIOD=$!
	until (: <>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do
		kill -0 "$DIOD" 2>/dev/null || { cat "$LAB_RUN/diod.log"; return 1; }
		sleep 0.05
	done
}

# diod counts what a client has left when it goes: its root, and what it has not come to clunk yet.
diod_stop() {
	kill -TERM "$DIOD" 2>/dev/null
	wait "$DIOD" 2>/dev/null
	umount /etc/hosts
	! grep -E 'with ([4-9]|[0-9]{2,}) unclunked|unclunked fid [0-9]+ ' "$LAB_RUN/diod.log"
}

# says TEXT COMMAND...: it fails and says so.
says() {
	local text=$1 got
	shift
	if got=$("$@" 2>&1); then echo "# $* did not fail"; return 1; fi
	grep -q "$text" <<<"$got" || { echo "# $*: $got"; return 1; }
}

same() { # NAME A B
	[ "$2" = "$3" ] || { echo "# $1: '$2' is not '$3'"; return 1; }
}

# The tree's files by `cat`, one whole list, and what must be refused.
reading() { # CAT LS: commands on paths of the tree
	local f
	for f in dir/hello empty big; do
		same "$f" "$($1 "$f" | cksum)" "$(cksum <"$TREE/$f")" || return 1
	done
	same many "$($2 many | sort)" "$(find "$TREE/many" -type f -printf '%f\n' | sort)" || return 1
	says 'not found\|No such file' "$1" nowhere/x
}

client_case() {
	local f
	reading cat_d ls_d || return 1
	d ls -l / | grep -Eq '^--rw-r--r-- .* 20000003 .* big$' || { d ls -l /; return 1; }
	d stat dir/hello | grep -q 'length 6\|6' || return 1
	for f in nobody 65534; do # by name and by number
		says 'permission denied' slash -a "$AT" --aname "$TREE" --uname "$f" cat secret/file || return 1
		says 'permission denied' slash -a "$AT" --aname "$TREE" --uname "$f" mkdir new || return 1
	done
	d mkdir new && d create new/file && d chmod 600 new/file || return 1
	head -c 5000001 /dev/urandom >"$LAB_RUN/data"
	d write new/file <"$LAB_RUN/data" || return 1
	same written "$(cksum <"$TREE/new/file")" "$(cksum <"$LAB_RUN/data")" || return 1
	same mode "$(stat -c %a "$TREE/new/file")" 600 || return 1
	d write new/file short && same truncated "$(cat "$TREE/new/file")" short || return 1
	d write -a new/file more && same appended "$(cat "$TREE/new/file")" "$(printf 'short\nmore')" || return 1
	says 'not empty' d rm new || return 1
	says 'exists' d mkdir new || return 1
	d rm new/file new && [ ! -e "$TREE/new" ]
}
cat_d() { d cat "/$1"; }
ls_d() { d ls "/$1"; }

namespace_case() {
	daemon_start --bare || return 1
	slash write /ctl "mount $AT /n/diod $TREE" || return 1
	reading cat_n ls_n || return 1
	slash mkdir /n/diod/new && slash create /n/diod/new/file || return 1
	slash write /n/diod/new/file text && same written "$(cat "$TREE/new/file")" text || return 1
	slash rm /n/diod/new/file /n/diod/new && [ ! -e "$TREE/new" ] || return 1
	# It goes and comes back: no new mount is needed.
	kill -TERM "$DIOD" && wait "$DIOD" 2>/dev/null
	says hungup slash cat /n/diod/dir/hello || return 1
	umount /etc/hosts
	diod_start || return 1
	local i
	for i in $(seq 50); do
		slash cat /n/diod/dir/hello 2>/dev/null | grep -q hello && break
		[ "$i" -lt 50 ] || { echo '# it never came back'; return 1; }
	done
	slash write /ctl "unmount /n/diod" && ! slash ls /n 2>/dev/null | grep -q diod
}
cat_n() { slash cat "/n/diod/$1"; }
ls_n() { slash ls "/n/diod/$1"; }

fuse_case() {
	M=$LAB_RUN/mnt
	mkdir -p "$M"
	slash mount --aname "$TREE" --uname root "$AT" "$M" || return 1
	reading cat_m ls_m && fuse_writes
	local rc=$?
	slash unmount "$M" && ! mountpoint -q "$M" && return "$rc"
}
cat_m() { cat "$M/$1"; }
ls_m() { ls "$M/$1"; }

fuse_writes() {
	ls -lR "$M" >"$LAB_RUN/ls" && grep -q '20000003 .* big$' "$LAB_RUN/ls" || return 1
	mkdir "$M/new" && cp "$TREE/big" "$M/new/copy" && cmp "$TREE/big" "$TREE/new/copy" || return 1
	cp -r "$M/many" "$LAB_RUN/many" && diff -r "$LAB_RUN/many" "$TREE/many" || return 1
	echo one >"$M/new/f" && echo two >>"$M/new/f" || return 1
	same appended "$(cat "$TREE/new/f")" "$(printf 'one\ntwo')" || return 1
	truncate -s 2 "$M/new/f" && same truncated "$(cat "$TREE/new/f")" on || return 1
	mv "$M/new/f" "$M/new/g" && chmod 640 "$M/new/g" || return 1
	same mode "$(stat -c %a "$TREE/new/g")" 640 || return 1
	touch -d '2001-02-03 04:05:06' "$M/new/g" || return 1
	same mtime "$(stat -c %Y "$TREE/new/g")" "$(date -d '2001-02-03 04:05:06' +%s)" || return 1
	says 'not empty' rmdir "$M/new" || return 1
	rm -r "$M/new" && [ ! -e "$TREE/new" ]
}

with_diod() {
	DAEMON=
	local rc
	diod_start || return 1
	"$@"
	rc=$?
	[ -z "$DAEMON" ] || daemon_stop || rc=1
	diod_stop || rc=1
	return "$rc"
}

for c in client namespace fuse; do
	selected "$c" && case_run "$c" with_diod "${c}_case"
done
finish
