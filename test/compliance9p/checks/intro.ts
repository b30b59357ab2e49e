/** intro(5), error(5), version(5), auth(5) and attach(5): messages as such, and how a session
 *  begins. */
export const intro = String.raw`
1 intro: a message may come a byte at a time
  session
  bytes> Tstat 1 0
  < Rstat 1 {name=c9p}
2 intro: a message may be cut in two anywhere
  session
  cut> Twalk 1 0 0 [dir ..]
  < Rwalk 1 [dir.*.* dir.*.*]
3 intro: one segment may hold many messages
  session
  > Tstat 1 0 ; Tstat 2 0 ; Tstat 3 0 ; Tstat 4 0 ; Twalk 5 0 1 [text] ; Tstat 6 0
  << Rstat 1 * ; Rstat 2 * ; Rstat 3 * ; Rstat 4 * ; Rwalk 5 [*] ; Rstat 6 *
4 intro: a reply has the tag of its request, and any number below NOTAG is one
  session
  > Tstat 0xfffe 0
  < Rstat 0xfffe *
  > Tstat 0x100 0
  < Rstat 0x100 *
5 intro: a tag may be used again once it was answered
  session
  > Tstat 7 0
  < Rstat 7 *
  > Twalk 7 0 0 []
  < Rwalk 7 []
6 intro: a tag that is outstanding is refused, and does not disturb the first
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tstat 5 0
  < Rerror 5 *
  > Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
7 intro: a message of size 0 ends the connection
  session
  raw> #00000000 #78 #0500
  closed
8 intro: a message shorter than its header ends the connection
  session
  raw> #06000000 #78 #05
  closed
9 intro: a message longer than msize is not read
  session 256
  raw> #01010000 #76 #0500
  closed
10 intro: a message of 2 GiB is not waited for
  session
  raw> #ffffff7f #76 #0500
  closed
11 intro: before Tversion a message has a limit too
  raw> #ffffff7f #64 #ffff
  closed
12 intro: type 0 is refused
  session
  raw> #07000000 #00 #0500
  refused 5
13 intro: Terror is refused
  session
  raw> #07000000 #6a #0500
  refused 5
14 intro: type 128 is refused
  session
  raw> #07000000 #80 #0500
  refused 5
15 intro: type 255 is refused
  session
  raw> #07000000 #ff #0500
  refused 5
16 intro: a message of a server is refused: Rread
  session
  > Rread 5 x
  refused 5
17 intro: a message of a server is refused: Rclunk
  session
  > Rclunk 5
  refused 5
18 intro: a short Tversion is refused
  short> Tversion notag 8216 9P2000
  refused notag
19 intro: a Tversion too long is refused
  long> Tversion notag 8216 9P2000
  refused notag
20 intro: a short Tattach is refused
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
  short> Tattach 5 0 nofid $user abc
  refused 5
21 intro: a short Twalk is refused
  session
  short> Twalk 5 0 1 [text]
  refused 5
22 intro: a Twalk too long is refused
  session
  long> Twalk 5 0 1 [text]
  refused 5
23 intro: a short Topen is refused
  session
  walk 1 text
  short> Topen 5 1 0
  refused 5
24 intro: a short Tcreate is refused
  session
  short> Tcreate 5 0 new 0o644 0
  refused 5
25 intro: a short Tread is refused
  session
  open 1 0 text
  short> Tread 5 1 0 10
  refused 5
26 intro: a Tread too long is refused
  session
  open 1 0 text
  long> Tread 5 1 0 10
  refused 5
27 intro: a Twrite with a byte less than its count is refused
  session
  short> Twrite 5 0 0 abc
  refused 5
28 intro: a Twrite with a byte more than its count is refused
  session
  long> Twrite 5 0 0 abc
  refused 5
29 intro: a short Tclunk is refused, and clunks nothing
  session
  short> Tclunk 5 0
  refused 5
  > Tstat 6 0
  < Rstat 6 *
30 intro: a Tclunk too long is refused, and clunks nothing
  session
  long> Tclunk 5 0
  refused 5
  > Tstat 6 0
  < Rstat 6 *
31 intro: a short Tremove is refused
  session
  short> Tremove 5 0
  refused 5
32 intro: a short Tstat is refused
  session
  short> Tstat 5 0
  refused 5
33 intro: a short Twstat is refused
  session
  short> Twstat 5 0 {name=x}
  refused 5
34 intro: a Twstat too long is refused
  session
  long> Twstat 5 0 {name=x}
  refused 5
35 intro: a Twstat whose two sizes do not agree is refused
  session
  # size 62, Twstat, tag 5, fid 0, 49 bytes of which the entry says that it has 48
  raw> #3e000000 #7e #0500 #00000000 #3100 #3000 #ff*39 #0000*4
  refused 5
36 intro: a short Tflush is refused
  session
  short> Tflush 5 4
  refused 5
37 intro: a count of names beyond the end of the message is refused
  session
  raw> #13000000 #6e #0500 #00000000 #01000000 #0200 #0000
  refused 5
38 intro: a string beyond the end of the message is refused
  session
  raw> #15000000 #6e #0500 #00000000 #01000000 #0100 #ffff #6161
  refused 5
39 intro: the bytes after a message that was refused are read as messages
  session
  > Twalk 5 0 1 ['a\0b'] ; Tstat 6 0
  <? Rerror 5 *
  < Rstat 6 *
`;

export const error = `
40 error: a text is at most 127 bytes long, for that is a client's room
  session
  > Twalk 1 0 1 [x*300]
  < Rerror 1 <=127
41 error: a text is not empty
  session
  > Tclunk 1 77
  < Rerror 1 >=1
42 error: a session goes on after errors
  session
  > Tclunk 1 77 ; Topen 2 77 0 ; Tread 3 77 0 1
  << Rerror 1 * ; Rerror 2 * ; Rerror 3 *
  > Tstat 4 0
  < Rstat 4 *
`;

export const version = `
50 version: the answer has the tag NOTAG, the version, and at most the msize asked for
  > Tversion notag 8216 9P2000
  < Rversion notag <=8216 9P2000
51 version: msize 256 is the least
  > Tversion notag 256 9P2000
  < Rversion notag 256 9P2000
52 version: less than 256 is refused, or answered with no more
  > Tversion notag 255 9P2000
  < Rerror notag * | Rversion notag <=255 *
53 version: msize 0 is refused, or answered with 0
  > Tversion notag 0 9P2000
  < Rerror notag * | Rversion notag 0 *
54 version: msize of 1 MiB
  > Tversion notag 1048576 9P2000
  < Rversion notag <=1048576 9P2000
55 version: msize of all ones is answered with what the server can
  > Tversion notag 0xffffffff 9P2000
  < Rversion notag <=0xfffffffe 9P2000
56 version: an unknown version is answered, not refused
  > Tversion notag 8216 XP
  < Rversion notag <=8216 unknown
57 version: an empty version is unknown
  > Tversion notag 8216 ''
  < Rversion notag <=8216 unknown
58 version: 9p2000 is not 9P2000
  > Tversion notag 8216 9p2000
  < Rversion notag <=8216 unknown
59 version: a suffix that the server does not know falls away
  > Tversion notag 8216 9P2000.x
  < Rversion notag <=8216 9P2000
60 version: a later version falls back to 9P2000
  > Tversion notag 8216 9P2010
  < Rversion notag <=8216 9P2000
61 version: an earlier version than 9P2000 is unknown
  > Tversion notag 8216 9P1999
  < Rversion notag <=8216 unknown
62 version: nothing goes before it: Tattach
  > Tattach 1 0 nofid $user $aname
  refused 1
63 version: nothing goes before it: Tstat
  > Tstat 1 0
  refused 1
64 version: nothing goes before it: Tflush
  > Tflush 1 0
  refused 1
65 version: after an unknown one there is no session
  > Tversion notag 8216 unknown
  < Rversion notag * unknown
  > Tattach 1 0 nofid $user $aname
  refused 1
66 version: an unknown one may be followed by a known one
  > Tversion notag 8216 9P9
  < Rversion notag * unknown
  session
67 version: another tag than NOTAG is answered with that tag, or refused
  > Tversion 5 8216 9P2000
  < Rversion 5 * 9P2000 | Rerror 5 *
68 version: a second one aborts what is outstanding, unanswered
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
69 version: a second one clunks every fid
  session
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
  > Tstat 1 0
  < Rerror 1 *
70 version: fids and tags are free after a second one
  session
  open 1 0 block
  > Tread 5 1 0 10
  session
  walk 1 text
  > Tstat 5 1
  < Rstat 5 *
71 version: a second one closes what was open
  session
  open 1 0 excl
  session
  open 1 0 excl
72 version: a second one removes what was open with ORCLOSE
  session
  create 1 0o644 0x41 v72
  session
  > Twalk 1 0 1 [tmp v72]
  < Rwalk 1 [*]
73 version: a second one may agree on a smaller msize
  session
  session 256
  open 1 0 big
  read 1 0 8192 <=245
74 version: a second one may agree on a larger msize
  session 256
  session 8216
  open 1 0 big
  read 1 0 8192 >=246
75 version: a second one that is unknown ends the session
  session
  > Tversion notag 8216 unknown
  < Rversion notag * unknown
  > Tstat 1 0
  refused 1
76 version: no reply is over msize: a stat that would be is an error
  session 256
  create 1 0o644 1 n*200
  > Tstat 1 1
  < Rerror 1 *
  remove 1
77 version: two at once are answered both
  > Tversion notag 8216 9P2000 ; Tversion notag 4096 9P2000
  < Rversion notag <=8216 9P2000
  < Rversion notag <=4096 9P2000
`;

export const auth = `
90 auth: where none is required Tauth is refused
  needs noauth
  session
  > Tauth 1 9 $user $aname
  < Rerror 1 *
91 auth: after a refusal there is no afid
  needs noauth
  session
  > Tauth 1 9 $user $aname
  < Rerror 1 *
  > Tclunk 1 9
  < Rerror 1 *
92 auth: NOFID is no afid
  session
  > Tauth 1 nofid $user $aname
  < Rerror 1 *
93 auth: a fid in use is no afid
  session
  > Tauth 1 0 $user $aname
  < Rerror 1 *
`;

export const attach = `
100 attach: the qid is that of a directory
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
  > Tattach 1 0 nofid $user $aname
  < Rattach 1 dir.*.*
101 attach: the qid is that of the fid's stat, and its path is not 0
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
  > Tattach 1 0 nofid $user $aname
  < Rattach 1 dir.$v.$p
  stat 0 {qid=dir.$v.$p}
  > Tattach 1 1 nofid $user $aname
  < Rattach 1 *.*.>=1
102 attach: a second one gives the same root
  session
  > Tattach 1 1 nofid $user $aname
  < Rattach 1 dir.*.$p
  > Tattach 1 2 nofid $user $aname
  < Rattach 1 dir.*.$p
103 attach: a fid in use is refused, and stays what it was
  session
  > Tattach 1 0 nofid $user $aname
  < Rerror 1 *
  stat 0 {name=c9p}
104 attach: NOFID is no fid
  session
  > Tattach 1 nofid nofid $user $aname
  < Rerror 1 *
105 attach: an unknown tree is refused, and the fid stays free
  session
  > Tattach 1 1 nofid $user no/such/tree
  < Rerror 1 *
  > Tattach 1 1 nofid $user $aname
  < Rattach 1 *
106 attach: an afid that is no fid is refused
  session
  > Tattach 1 1 7 $user $aname
  < Rerror 1 *
107 attach: an afid that is an ordinary fid is refused
  session
  > Tattach 1 1 0 $user $aname
  < Rerror 1 *
108 attach: two users on one connection are two
  session
  attach 1 ken
  > Twalk 1 0 2 [theirs owned] ; Twalk 2 1 3 [theirs owned]
  << Rwalk 1 [* *] ; Rwalk 2 [* *]
  > Topen 1 2 0 ; Topen 2 3 0
  << Rerror 1 * ; Ropen 2 * *
109 attach: the longest names that there are do no harm
  > Tversion notag 1048576 9P2000
  < Rversion notag * 9P2000
  > Tattach 1 0 nofid x*65535 x*65535
  refused 1
110 attach: a name that is not UTF-8 is refused
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
  > Tattach 1 0 nofid #c328 $aname
  refused 1
112 attach: fids are a connection's own
  session
  walk 1 text
  2: session
  2: > Tstat 1 1
  2: < Rerror 1 *
113 attach: tags are a connection's own, and so are flushes
  session
  open 1 0 block
  > Tread 5 1 0 10
  2: session
  2: > Tstat 5 0
  2: < Rstat 5 *
  2: > Tflush 6 5
  2: < Rflush 6
  > Tstat 5 1
  < Rerror 5 *
  > Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
114 attach: a Tversion is for its own connection
  session
  2: session
  > Tversion notag 8216 9P2000
  < Rversion notag * 9P2000
  2: stat 0 {name=c9p}
111 attach: the largest fid but NOFID is one
  session
  > Tattach 1 0xfffffffe nofid $user $aname
  < Rattach 1 *
  > Tclunk 1 0xfffffffe
  < Rclunk 1
`;
