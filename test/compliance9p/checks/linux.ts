/** The two dialects of Linux's v9fs: 9P2000.u, with numbers beside names and texts, and 9P2000.L,
 *  with the structures and flags of Linux's own calls. */
export const unix = `
500 u: chosen by Tversion
  > Tversion notag 8216 9P2000.u
  < Rversion notag <=8216 9P2000.u
501 u: an error has Linux's errno beside its text: ENOENT
  session 8216 9P2000.u
  > Twalk 1 0 1 [nowhere]
  < Rerror 1 >=1 2
502 u: EACCES
  session 8216 9P2000.u
  walk 1 theirs owned
  > Topen 1 1 0
  < Rerror 1 * 13
503 u: EEXIST
  session 8216 9P2000.u
  walk 1 dir
  > Tcreate 1 1 a 0o644 1 ''
  < Rerror 1 * 17
504 u: ENOTDIR
  session 8216 9P2000.u
  walk 1 text
  > Twalk 1 1 2 [x]
  < Rerror 1 * 20
505 u: EISDIR
  session 8216 9P2000.u
  walk 1 dir
  > Topen 1 1 1
  < Rerror 1 * 21
506 u: ENOTEMPTY
  session 8216 9P2000.u
  walk 1 dir
  > Tremove 1 1
  < Rerror 1 * 39
507 u: EBADF
  session 8216 9P2000.u
  > Tclunk 1 7
  < Rerror 1 * 9
508 u: a stat has numbers, and an extension that is empty for a file
  session 8216 9P2000.u
  walk 1 text
  > Tstat 1 1
  < Rstat 1 {name=text length=13 extension='' n_uid=* n_gid=* n_muid=*}
509 u: the numbers are those of the names
  session 8216 9P2000.u
  walk 1 theirs club
  > Tstat 1 1
  < Rstat 1 {uid=ken gid=club n_uid=1001 n_gid=2000 n_muid=1001}
510 u: entries of a directory have them, too
  session 8216 9P2000.u
  open 1 0 dir
  > Tread 1 1 0 8192
  < Rread 1 {a b c}
511 u: a directory of 200 entries, a few at a time
  session 8216 9P2000.u
  open 1 0 many
  ls 1 300 [f000..f199]
512 u: a stat is changed with them untouched
  session 8216 9P2000.u
  create 1 0o644 1 u512
  > Twstat 1 1 {name=u512b mode=0o600}
  < Rwstat 1
  stat 1 {name=u512b mode=0o600}
  remove 1
513 u: all "don't touch" is a sync
  session 8216 9P2000.u
  walk 1 text
  > Twstat 1 1 {}
  < Rwstat 1
514 u: a group by its number
  session 8216 9P2000.u
  attach 10 ken
  > Twalk 1 10 11 [theirs]
  < Rwalk 1 [*]
  > Tcreate 1 11 u514 0o644 0 ''
  < Rcreate 1 * *
  > Twstat 1 11 {n_gid=2000}
  < Rwstat 1
  stat 11 {gid=club n_gid=2000}
  remove 11
515 u: the owner is not changed, by number neither
  session 8216 9P2000.u
  create 1 0o644 1 u515
  > Twstat 1 1 {n_uid=0}
  < Rerror 1 * 1
  remove 1
516 u: a user by number, without a name
  session 8216 9P2000.u
  > Tattach 1 1 nofid '' $aname 1001
  < Rattach 1 *
  > Twalk 1 1 2 [c9p theirs owned]
  < Rwalk 1 [* * *]
  > Topen 1 2 0
  < Ropen 1 * *
517 u: a Tattach as 9P2000 has it is too short
  session 8216 9P2000.u
  raw> #14000000 #68 #0500 #01000000 #ffffffff #0100 #61 #0000
  refused 5
518 u: Tauth is refused where none is required
  needs noauth
  session 8216 9P2000.u
  > Tauth 1 9 $user $aname nofid
  < Rerror 1 * *
519 u: a Tcreate as 9P2000 has it is too short
  session 8216 9P2000.u
  walk 1 tmp
  raw> #13000000 #72 #0500 #01000000 #0100 #78 #a4010000 #01
  refused 5
520 u: a synthetic tree makes no symbolic link
  needs theirs
  session 8216 9P2000.u
  walk 1 tmp
  > Tcreate 1 1 u520 0x02000000+0o777 0 text
  < Rerror 1 * *
  > Twalk 1 0 2 [tmp u520]
  < Rwalk 1 [*]
521 u: a synthetic tree makes no device
  needs theirs
  session 8216 9P2000.u
  walk 1 tmp
  > Tcreate 1 1 u521 0x00800000+0o644 0 'c 1 3'
  < Rerror 1 * *
  > Twalk 1 0 2 [tmp u521]
  < Rwalk 1 [*]
522 u: append is a bit of an open's mode
  session 8216 9P2000.u
  create 1 0o644 1 u522
  clunk 1
  walk 1 tmp u522
  > Topen 1 1 0x81
  < Ropen 1 * *
  remove 1
523 u: a Tversion of 9P2000 goes back to it
  session 8216 9P2000.u
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
  > Tclunk 1 7
  < Rerror 1 *
524 u: a flush
  session 8216 9P2000.u
  open 1 0 block
  > Tread 5 1 0 10
  > Tflush 6 5
  <? Rerror 5 * 4
  < Rflush 6
`;

export const linux = `
540 L: chosen by Tversion
  > Tversion notag 8216 9P2000.L
  < Rversion notag <=8216 9P2000.L
541 L: an error is an errno alone: ENOENT
  session 8216 9P2000.L
  > Twalk 1 0 1 [nowhere]
  < Rlerror 1 2
542 L: what 9P2000 opens with is not spoken
  session 8216 9P2000.L
  walk 1 text
  > Topen 1 1 0
  refused 1
543 L: what 9P2000 creates with is not spoken
  session 8216 9P2000.L
  walk 1 tmp
  > Tcreate 1 1 x 0o644 1
  refused 1
544 L: Tstat is not spoken
  session 8216 9P2000.L
  > Tstat 1 0
  refused 1
545 L: Twstat is not spoken
  session 8216 9P2000.L
  > Twstat 1 0 {}
  refused 1
546 L: in 9P2000 its messages are unknown
  session
  raw> #0b000000 #08 #0500 #00000000
  refused 5
547 L: a type that nobody has
  session 8216 9P2000.L
  raw> #07000000 #02 #0500
  refused 5
548 L: a message of a server is refused
  session 8216 9P2000.L
  raw> #0b000000 #07 #0500 #02000000
  refused 5
549 L: a Tversion of 9P2000 goes back to it
  session 8216 9P2000.L
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
  > Tclunk 1 7
  < Rerror 1 *
550 L: a user by number, without a name
  session 8216 9P2000.L
  > Tattach 1 1 nofid '' $aname 1001
  < Rattach 1 *
  > Twalk 1 1 2 [c9p theirs owned]
  < Rwalk 1 [* * *]
  > Tlopen 1 2 0
  < Rlopen 1 * *
551 L: an unknown fid
  session 8216 9P2000.L
  > Tclunk 1 7
  < Rlerror 1 *

555 L.open: the qid is the file's, iounit what a message has room for
  session 4096 9P2000.L
  > Twalk 1 0 1 [text]
  < Rwalk 1 [file.$v.$p]
  > Tlopen 1 1 0
  < Rlopen 1 file.$v.$p <=4085
556 L.open: O_LARGEFILE and O_CLOEXEC are the client's affair
  session 8216 9P2000.L
  walk 1 text
  > Tlopen 1 1 0x88000
  < Rlopen 1 * *
  read 1 0 5 hello
557 L.open: O_TRUNC empties a file
  session 8216 9P2000.L
  create 1 0o644 1 l557
  write 1 0 3 abc
  clunk 1
  open 1 0x201 tmp l557
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {size=0}
  remove 1
558 L.open: O_DIRECTORY is for directories
  session 8216 9P2000.L
  walk 1 text
  > Tlopen 1 1 0x10000
  < Rlerror 1 20
559 L.open: a directory is not written
  session 8216 9P2000.L
  walk 1 dir
  > Tlopen 1 1 1
  < Rlerror 1 21
560 L.open: permission
  session 8216 9P2000.L
  walk 1 theirs owned
  > Tlopen 1 1 0
  < Rlerror 1 13
561 L.open: a fid is opened once
  session 8216 9P2000.L
  open 1 0 text
  > Tlopen 1 1 0
  < Rlerror 1 *
562 L.open: an access mode that there is not
  needs theirs
  session 8216 9P2000.L
  walk 1 text
  > Tlopen 1 1 3
  < Rlerror 1 22
563 L.open: a directory that one may not list
  session 8216 9P2000.L
  walk 1 theirs searchable
  > Tlopen 1 1 0x10000
  < Rlerror 1 13
564 L.open: an exclusive file is open once
  session 8216 9P2000.L
  open 1 0 excl
  walk 2 excl
  > Tlopen 1 2 0
  < Rlerror 1 16
565 L.open: a short Tlopen is refused
  session 8216 9P2000.L
  walk 1 text
  short> Tlopen 5 1 0
  refused 5

570 L.create: a file, open, which the fid then is
  session 8216 9P2000.L
  walk 1 tmp
  > Tlcreate 1 1 l570 2 0o644 nofid
  < Rlcreate 1 file.*.$p *
  write 1 0 3 abc
  read 1 0 10 abc
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {qid=file.*.$p mode=0o100644 size=3}
  remove 1
571 L.create: Linux sends the type of the file in mode, too
  session 8216 9P2000.L
  walk 1 tmp
  > Tlcreate 1 1 l571 0x8042 0o100600 nofid
  < Rlcreate 1 file.*.* *
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {mode=0o100600}
  remove 1
572 L.create: EEXIST, by O_EXCL
  session 8216 9P2000.L
  walk 1 dir
  > Tlcreate 1 1 a 0xc1 0o644 nofid
  < Rlerror 1 17
573 L.create: not in a file
  session 8216 9P2000.L
  walk 1 text
  > Tlcreate 1 1 x 1 0o644 nofid
  < Rlerror 1 20
574 L.create: a name has no slash
  session 8216 9P2000.L
  walk 1 tmp
  > Tlcreate 1 1 a/b 1 0o644 nofid
  < Rlerror 1 *
575 L.create: not where one may not write
  session 8216 9P2000.L
  walk 1 theirs
  > Tlcreate 1 1 x 1 0o644 nofid
  < Rlerror 1 13

580 L.getattr: of a file
  session 8216 9P2000.L
  > Twalk 1 0 1 [text]
  < Rwalk 1 [file.$v.$p]
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {valid=>=0x7ff qid=file.$v.$p mode=>=0o100000 nlink=>=1 size=13 blksize=>=1}
581 L.getattr: of a directory
  session 8216 9P2000.L
  walk 1 dir
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {qid=dir.*.* mode=>=0o040000 nlink=>=1}
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {mode=<=0o047777}
582 L.getattr: numbers of owner and group
  session 8216 9P2000.L
  walk 1 theirs club
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {mode=0o100640 uid=1001 gid=2000}
583 L.getattr: an unknown fid
  session 8216 9P2000.L
  > Tgetattr 1 7 0x7ff
  < Rlerror 1 *
584 L.getattr: a file that changed has another version
  session 8216 9P2000.L
  create 1 0o644 1 l584
  > Tgetattr 1 1 0x3fff
  < Rgetattr 1 {qid=file.$v.$p data_version=$d}
  write 1 0 1 x
  > Tgetattr 1 1 0x3fff
  < Rgetattr 1 {qid=file.!$v.$p data_version=!$d}
  remove 1
  needs theirs
585 L.getattr: a short one is refused
  session 8216 9P2000.L
  short> Tgetattr 5 0 0x7ff
  refused 5

590 L.readdir: dots, and the files
  session 8216 9P2000.L
  open 1 0x10000 dir
  > Treaddir 1 1 0 8192
  < Rreaddir 1 {. .. a b c}
591 L.readdir: 200 entries
  session 8216 9P2000.L
  open 1 0x10000 many
  ls 1 8192 [f000..f199]
592 L.readdir: a few whole entries at a time
  session 8216 9P2000.L
  open 1 0x10000 many
  ls 1 100 [f000..f199]
593 L.readdir: with the least msize
  session 256 9P2000.L
  open 1 0x10000 many
  ls 1 200 [f000..f199]
594 L.readdir: again from the start
  session 8216 9P2000.L
  open 1 0x10000 dir
  ls 1 8192 [a b c]
  ls 1 8192 [a b c]
595 L.readdir: a count in which no entry fits
  session 8216 9P2000.L
  open 1 0x10000 dir
  > Treaddir 1 1 0 10
  < Rreaddir 1 '' | Rlerror 1 *
596 L.readdir: not of a directory that is not open
  session 8216 9P2000.L
  walk 1 dir
  > Treaddir 1 1 0 8192
  < Rlerror 1 *
597 L.readdir: not of a file
  session 8216 9P2000.L
  open 1 0 text
  > Treaddir 1 1 0 8192
  < Rlerror 1 *
598 L.readdir: Tread is not for directories
  session 8216 9P2000.L
  open 1 0x10000 dir
  > Tread 1 1 0 8192
  < Rlerror 1 21
599 L.readdir: an empty directory has its dots
  session 8216 9P2000.L
  open 1 0x10000 empty
  > Treaddir 1 1 0 8192
  < Rreaddir 1 {. ..}
600 L.readdir: an offset of all ones does no harm
  session 8216 9P2000.L
  open 1 0x10000 dir
  > Treaddir 1 1 0xffffffffffffffff 8192
  < Rreaddir 1 * | Rlerror 1 *
  ls 1 8192 [a b c]
601 L.readdir: an entry has the qid and the type of its file, and the next is at its offset
  needs theirs
  session 8216 9P2000.L
  walk 1 tmp
  > Tmkdir 1 1 l601 0o755 nofid
  < Rmkdir 1 dir.*.$p
  > Twalk 1 0 2 [tmp l601]
  < Rwalk 1 [* dir.*.$p]
  > Tlcreate 1 2 f 1 0o644 nofid
  < Rlcreate 1 file.*.$q *
  open 3 0x10000 tmp l601
  > Treaddir 1 3 0 25
  < Rreaddir 1 {name=. qid=dir.*.$p type=4 offset=$o}
  > Treaddir 1 3 $o 26
  < Rreaddir 1 {name=.. qid=dir.*.!$p type=4 offset=$r}
  > Treaddir 1 3 $r 8192
  < Rreaddir 1 {name=f qid=file.*.$q type=8 offset=$s}
  > Treaddir 1 3 $s 8192
  < Rreaddir 1 ''
  > Treaddir 1 3 $r 8192
  < Rreaddir 1 {name=f}
  remove 2
  remove 3

605 L.setattr: mode
  session 8216 9P2000.L
  create 1 0o644 1 l605
  > Tsetattr 1 1 1 0o600 nofid nofid 0 0 0 0 0
  < Rsetattr 1
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {mode=0o100600}
  remove 1
606 L.setattr: size
  session 8216 9P2000.L
  create 1 0o644 2 l606
  write 1 0 6 abcdef
  > Tsetattr 1 1 8 0 nofid nofid 3 0 0 0 0
  < Rsetattr 1
  read 1 0 10 abc
  remove 1
607 L.setattr: mtime
  session 8216 9P2000.L
  create 1 0o644 1 l607
  > Tsetattr 1 1 0x120 0 nofid nofid 0 0 0 1000000000 0
  < Rsetattr 1
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {mtime_sec=1000000000}
  remove 1
608 L.setattr: nothing
  session 8216 9P2000.L
  walk 1 text
  > Tsetattr 1 1 0 0 0 0 0 0 0 0 0
  < Rsetattr 1
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {size=13}
609 L.setattr: the owner is not changed
  needs theirs
  session 8216 9P2000.L
  create 1 0o644 1 l609
  > Tsetattr 1 1 2 0 0 nofid 0 0 0 0 0
  < Rlerror 1 1
  remove 1
610 L.setattr: the owner that it has is no change
  needs theirs
  session 8216 9P2000.L
  create 1 0o644 1 l610
  > Tsetattr 1 1 2 0 1000 nofid 0 0 0 0 0
  < Rsetattr 1
  remove 1
611 L.setattr: a directory has no size
  session 8216 9P2000.L
  walk 1 dir
  > Tsetattr 1 1 8 0 nofid nofid 5 0 0 0 0
  < Rlerror 1 *
612 L.setattr: mode is the owner's to change
  session 8216 9P2000.L
  walk 1 theirs anyones
  > Tsetattr 1 1 1 0o600 nofid nofid 0 0 0 0 0
  < Rlerror 1 1
613 L.setattr: all or nothing: a size, and an owner
  needs theirs
  session 8216 9P2000.L
  create 1 0o644 2 l613
  write 1 0 3 abc
  > Tsetattr 1 1 0xa 0 0 nofid 0 0 0 0 0
  < Rlerror 1 1
  read 1 0 10 abc
  remove 1
614 L.setattr: what is append-only stays so when its mode is set
  needs theirs
  session 8216 9P2000.L
  walk 1 append
  > Tsetattr 1 1 1 0o666 nofid nofid 0 0 0 0 0
  < Rsetattr 1
  > Tgetattr 1 1 0x7ff
  < Rgetattr 1 {qid=append.*.* mode=0o100666}
615 L.setattr: a control file takes a size of 0, as an open with O_TRUNC asks it
  session 8216 9P2000.L
  open 1 1 ctl
  > Tsetattr 1 1 8 0 nofid nofid 0 0 0 0 0
  < Rsetattr 1
616 L.setattr: an unknown fid
  session 8216 9P2000.L
  > Tsetattr 1 7 1 0o600 nofid nofid 0 0 0 0 0
  < Rlerror 1 *

620 L.statfs: the length of a name
  session 8216 9P2000.L
  > Tstatfs 1 0
  < Rstatfs 1 {bsize=>=1 namelen=>=1}
621 L.statfs: an unknown fid
  session 8216 9P2000.L
  > Tstatfs 1 7
  < Rlerror 1 *
622 L.fsync: of an open file
  session 8216 9P2000.L
  create 1 0o644 1 l622
  > Tfsync 1 1 0
  < Rfsync 1
  remove 1
623 L.flush: a read that waits
  session 8216 9P2000.L
  open 1 0 block
  > Tread 5 1 0 10
  > Tflush 6 5
  <? Rlerror 5 4
  < Rflush 6

625 L.mkdir: a directory, and the fid stays where it is
  session 8216 9P2000.L
  walk 1 tmp
  > Tmkdir 1 1 l625 0o40755 nofid
  < Rmkdir 1 dir.*.$p
  > Twalk 1 1 2 [l625]
  < Rwalk 1 [dir.*.$p]
  > Tgetattr 1 2 0x7ff
  < Rgetattr 1 {mode=0o40755}
  remove 2
626 L.mkdir: EEXIST
  session 8216 9P2000.L
  walk 1 dir
  > Tmkdir 1 1 c 0o755 nofid
  < Rlerror 1 17
627 L.mkdir: not in a file
  session 8216 9P2000.L
  walk 1 text
  > Tmkdir 1 1 x 0o755 nofid
  < Rlerror 1 20
628 L.mkdir: '..' is no name
  session 8216 9P2000.L
  walk 1 tmp
  > Tmkdir 1 1 .. 0o755 nofid
  < Rlerror 1 *
629 L.mkdir: not where one may not write
  session 8216 9P2000.L
  walk 1 theirs
  > Tmkdir 1 1 x 0o755 nofid
  < Rlerror 1 13

630 L.unlinkat: a file
  needs unlinkat
  session 8216 9P2000.L
  create 1 0o644 1 l630
  clunk 1
  walk 1 tmp
  > Tunlinkat 1 1 l630 0
  < Runlinkat 1
  > Twalk 1 1 2 [l630]
  < Rlerror 1 2
631 L.unlinkat: a directory is meant by AT_REMOVEDIR
  needs unlinkat
  session 8216 9P2000.L
  walk 1 tmp
  > Tmkdir 1 1 l631 0o755 nofid
  < Rmkdir 1 *
  > Tunlinkat 1 1 l631 0
  < Rlerror 1 21
  > Tunlinkat 1 1 l631 0x200
  < Runlinkat 1
632 L.unlinkat: a file is not
  needs unlinkat
  session 8216 9P2000.L
  walk 1 dir
  > Tunlinkat 1 1 a 0x200
  < Rlerror 1 20
633 L.unlinkat: a directory that is not empty
  needs unlinkat
  session 8216 9P2000.L
  walk 1 dir
  > Tunlinkat 1 1 c 0x200
  < Rlerror 1 39
634 L.unlinkat: what is not there
  needs unlinkat
  session 8216 9P2000.L
  walk 1 tmp
  > Tunlinkat 1 1 nowhere 0
  < Rlerror 1 2
635 L.unlinkat: '..' is no name
  needs unlinkat
  session 8216 9P2000.L
  walk 1 dir
  > Tunlinkat 1 1 .. 0x200
  < Rlerror 1 *
636 L.unlinkat: not where one may not write
  needs unlinkat
  session 8216 9P2000.L
  walk 1 theirs
  > Tunlinkat 1 1 anyones 0
  < Rlerror 1 13
637 L.remove: Tremove is as ever
  session 8216 9P2000.L
  create 1 0o644 1 l637
  > Tremove 1 1
  < Rremove 1
  > Tclunk 1 1
  < Rlerror 1 *

640 L.rename: Trenameat in a directory
  needs renameat
  session 8216 9P2000.L
  create 1 0o644 1 l640
  walk 2 tmp
  > Trenameat 1 2 l640 2 l640b
  < Rrenameat 1
  > Twalk 1 2 3 [l640b]
  < Rwalk 1 [file.*.*]
  > Twalk 1 2 4 [l640]
  < Rlerror 1 2
  remove 3
641 L.rename: Trename by the file's fid
  session 8216 9P2000.L
  create 1 0o644 1 l641
  walk 2 tmp
  walk 3 tmp l641
  > Trename 1 3 2 l641b
  < Rrename 1
  > Twalk 1 2 4 [l641b]
  < Rwalk 1 [file.*.*]
  remove 4
642 L.rename: what is not there
  needs renameat
  session 8216 9P2000.L
  walk 1 tmp
  > Trenameat 1 1 nowhere 1 x
  < Rlerror 1 2
643 L.rename: a name has no slash
  needs renameat
  session 8216 9P2000.L
  create 1 0o644 1 l643
  walk 2 tmp
  > Trenameat 1 2 l643 2 a/b
  < Rlerror 1 *
  remove 1
644 L.rename: a synthetic tree does not move across directories
  needs theirs
  needs renameat
  session 8216 9P2000.L
  walk 1 dir
  walk 2 tmp
  > Trenameat 1 1 a 2 a
  < Rlerror 1 18
  walk 3 dir a
645 L.rename: not where one may not write
  needs renameat
  session 8216 9P2000.L
  walk 1 theirs
  > Trenameat 1 1 anyones 1 x
  < Rlerror 1 13

650 L.refused: a synthetic tree has no symbolic links
  needs theirs
  session 8216 9P2000.L
  walk 1 tmp
  > Tsymlink 1 1 x text nofid
  < Rlerror 1 *
651 L.refused: a file is no symbolic link
  session 8216 9P2000.L
  walk 1 text
  > Treadlink 1 1
  < Rlerror 1 22
652 L.refused: no devices
  needs theirs
  session 8216 9P2000.L
  walk 1 tmp
  > Tmknod 1 1 x 0o20644 1 3 nofid
  < Rlerror 1 *
653 L.refused: no hard links
  needs theirs
  session 8216 9P2000.L
  walk 1 tmp
  walk 2 text
  > Tlink 1 1 2 x
  < Rlerror 1 *
654 L.refused: no extended attributes to read, and newfid stays free
  needs theirs
  session 8216 9P2000.L
  walk 1 text
  > Txattrwalk 1 1 2 security.selinux
  < Rlerror 1 95
  > Tclunk 1 2
  < Rlerror 1 9
655 L.refused: no extended attributes to write
  needs theirs
  session 8216 9P2000.L
  walk 1 text
  > Txattrcreate 1 1 user.x 1 0
  < Rlerror 1 95
656 L.refused: no locks
  needs theirs
  session 8216 9P2000.L
  open 1 0 text
  > Tlock 1 1 0 0 0 0 1 host
  < Rlerror 1 95
657 L.refused: no locks to ask for
  needs theirs
  session 8216 9P2000.L
  open 1 0 text
  > Tgetlock 1 1 0 0 0 1 host
  < Rlerror 1 95
`;
