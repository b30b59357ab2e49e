/** read(5) with its write, and clunk(5). */
export const read = String.raw`
240 read: the bytes of a file
  session
  open 1 0 text
  > Tread 1 1 0 100
  < Rread 1 'hello, world\n'
241 read: from an offset on
  session
  open 1 0 text
  > Tread 1 1 7 5
  < Rread 1 world
242 read: what there is before the end, and no error
  session
  open 1 0 text
  > Tread 1 1 11 100
  < Rread 1 'd\n'
243 read: nothing at the end
  session
  open 1 0 text
  > Tread 1 1 13 100
  < Rread 1 ''
244 read: nothing beyond the end
  session
  open 1 0 text
  > Tread 1 1 14 100
  < Rread 1 ''
245 read: nothing beyond 2^32: an offset has 64 bits
  session
  open 1 0 text
  > Tread 1 1 0x100000000 100
  < Rread 1 ''
246 read: nothing beyond 2^32, near a place that is there
  session
  open 1 0 text
  > Tread 1 1 0x100000007 5
  < Rread 1 ''
247 read: nothing, or an error, beyond 2^53
  session
  open 1 0 text
  > Tread 1 1 0x20000000000001 5
  < Rread 1 '' | Rerror 1 *
248 read: nothing, or an error, at an offset that is negative as a signed number
  session
  open 1 0 text
  > Tread 1 1 0x8000000000000000 5
  < Rread 1 '' | Rerror 1 *
249 read: nothing, or an error, at an offset of all ones
  session
  open 1 0 text
  > Tread 1 1 0xffffffffffffffff 5
  < Rread 1 '' | Rerror 1 *
250 read: a count of 0 gives nothing
  session
  open 1 0 text
  > Tread 1 1 0 0
  < Rread 1 ''
251 read: a count over msize is cut to what a message holds
  session 4096
  open 1 0 big
  > Tread 1 1 0 9000
  < Rread 1 <=4085
252 read: a count of all ones is cut, too
  session 4096
  open 1 0 big
  > Tread 1 1 0 0xffffffff
  < Rread 1 <=4085
253 read: with the least msize
  session 256
  open 1 0 big
  > Tread 1 1 0 300
  < Rread 1 <=245
254 read: iounit is what one read gives at once
  session 4096
  walk 1 big
  > Topen 1 1 0
  < Ropen 1 * >=1
  > Tread 1 1 0 4072
  < Rread 1 x*4072
255 read: a file from its parts
  session
  open 1 0 big
  read 1 0 4000 x*4000
  read 1 4000 4000 x*4000
  read 1 8000 4000 x*2000
256 read: in any order
  session
  open 1 0 text
  read 1 7 5 world
  read 1 0 5 hello
  read 1 5 2 ', '
257 read: a fid that is not open
  session
  walk 1 text
  > Tread 1 1 0 10
  < Rerror 1 *
258 read: a directory that is not open
  session
  > Tread 1 0 0 8192
  < Rerror 1 *
259 read: a file that is open for writing only
  session
  create 1 0o644 1 r259
  > Tread 1 1 0 10
  < Rerror 1 *
  remove 1
260 read: an unknown fid
  session
  > Tread 1 7 0 10
  < Rerror 1 *
261 read: a directory, entry by entry
  session
  open 1 0 dir
  > Tread 1 1 0 8192
  < Rread 1 {a b c}
262 read: a directory of 200 entries from its parts
  session
  open 1 0 many
  ls 1 8192 [f000..f199]
263 read: a directory, a few whole entries at a time
  session
  open 1 0 many
  ls 1 300 [f000..f199]
264 read: a directory with the least msize
  session 256
  open 1 0 many
  ls 1 8192 [f000..f199]
265 read: a directory again from its start
  session
  open 1 0 many
  read 1 0 300 <=300
  ls 1 8192 [f000..f199]
  ls 1 8192 [f000..f199]
266 read: a directory at another offset than where the last read ended is refused
  session
  open 1 0 many
  read 1 0 300 $n
  > Tread 1 1 $n+1 300
  < Rerror 1 *
267 read: a directory at an offset before any read is refused
  session
  open 1 0 many
  > Tread 1 1 100 300
  < Rerror 1 *
268 read: a directory at the offset of the read before the last is refused
  session
  open 1 0 many
  read 1 0 300 $n
  read 1 $n 300 >=1
  > Tread 1 1 $n 300
  < Rerror 1 *
269 read: an offset that was refused does not lose the place
  session
  open 1 0 many
  read 1 0 300 $n
  > Tread 1 1 $n+1 300
  < Rerror 1 *
  read 1 $n 300 >=1
270 read: no part of a directory entry is given
  session
  open 1 0 dir
  > Tread 1 1 0 30
  < Rread 1 '' | Rerror 1 *
271 read: a count in which no entry fits loses none
  session
  open 1 0 dir
  > Tread 1 1 0 30
  < Rread 1 '' | Rerror 1 *
  ls 1 8192 [a b c]
272 read: a count of 0 loses no place in a directory
  session
  open 1 0 many
  read 1 0 300 $n
  read 1 $n 0 ''
  read 1 $n 300 >=1
273 read: an empty directory
  session
  open 1 0 empty
  > Tread 1 1 0 8192
  < Rread 1 ''
274 read: nothing at the end of a directory, again and again
  session
  open 1 0 dir
  read 1 0 8192 $n
  read 1 $n 8192 ''
  read 1 $n 8192 ''
275 read: two fids have each its place in a directory
  session
  open 1 0 many
  open 2 0 many
  read 1 0 300 $n
  read 2 0 600 $m
  read 1 $n 300 >=1
  read 2 $m 300 >=1
276 read: a directory shows what was made since, from its start
  session
  create 1 dmdir+0o755 0 r276
  read 1 0 8192 ''
  walk 2 tmp r276
  > Tcreate 1 2 x 0o644 0
  < Rcreate 1 * *
  read 1 0 8192 {x}
  remove 2
  read 1 0 8192 ''
  remove 1
277 read: a file does not change by being read
  session
  open 1 0 text
  stat 1 {qid=file.$v.$p}
  read 1 0 5 hello
  stat 1 {qid=file.$v.$p}
278 read: one that waits does not hold up the others
  session
  open 1 0 block
  > Tread 5 1 0 10
  open 2 0 text
  read 2 0 5 hello
  > Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
279 read: one that waits does not hold up another of the same fid
  session
  open 1 0 block
  > Tread 5 1 0 10 ; Tread 6 1 0 10
  > Tstat 7 1
  < Rstat 7 *
  > Tflush 8 6
  <? Rerror 6 *
  < Rflush 8
  > Tflush 9 5
  <? Rerror 5 *
  < Rflush 9
280 read: many at once
  session
  open 1 0 text
  > Tread 1 1 0 1 ; Tread 2 1 1 1 ; Tread 3 1 2 1 ; Tread 4 1 13 1
  << Rread 1 h ; Rread 2 e ; Rread 3 l ; Rread 4 ''
281 read: what another connection has written
  session
  create 1 0o644 1 r281
  2: session
  2: open 1 0 tmp r281
  write 1 0 3 abc
  2: read 1 0 10 abc
  2: stat 1 {length=3}
  remove 1
282 read: an entry of a directory is the stat of its file
  session
  create 1 dmdir+0o755 0 r282
  walk 2 tmp r282
  > Tcreate 1 2 x 0o640 1
  < Rcreate 1 file.$v.$p *
  write 2 0 3 abc
  stat 2 {name=x qid=file.$w.$p mode=$m mtime=$t length=3 type=$y dev=$d}
  > Tread 1 1 0 8192
  < Rread 1 {name=x qid=file.$w.$p mode=$m mtime=$t length=3 uid=$user muid=$user type=$y dev=$d}
  remove 2
  remove 1
`;

export const write = String.raw`
290 write: the bytes are there
  session
  create 1 0o644 2 w290
  > Twrite 1 1 0 'some text'
  < Rwrite 1 9
  read 1 0 100 'some text'
  remove 1
291 write: over what is there
  session
  create 1 0o644 2 w291
  write 1 0 6 abcdef
  write 1 2 2 XY
  read 1 0 100 abXYef
  remove 1
292 write: beyond the end, with zeros between
  session
  create 1 0o644 2 w292
  write 1 0 1 a
  write 1 4 1 b
  read 1 0 100 'a\0\0\0b'
  stat 1 {length=5}
  remove 1
293 write: no bytes are no error, and change no length
  session
  create 1 0o644 2 w293
  > Twrite 1 1 0 ''
  < Rwrite 1 0
  > Twrite 1 1 100 ''
  < Rwrite 1 0
  stat 1 {length=0}
  remove 1
294 write: every byte there is
  session
  create 1 0o644 2 w294
  write 1 0 8 #00010a0d7f80feff
  read 1 0 100 #00010a0d7f80feff
  remove 1
295 write: as many bytes as iounit says
  session
  create 1 0o644 2 w295
  > Twrite 1 1 0 y*8192
  < Rwrite 1 8192
  read 1 0 8192 y*8192
  remove 1
296 write: a fid that is not open
  session
  walk 1 tmp
  > Twrite 1 1 0 x
  < Rerror 1 *
297 write: a file that is open for reading only
  session
  open 1 0 text
  > Twrite 1 1 0 x
  < Rerror 1 *
  read 1 0 5 hello
298 write: a directory
  session
  open 1 0 dir
  > Twrite 1 1 0 x
  < Rerror 1 *
299 write: an unknown fid
  session
  > Twrite 1 7 0 x
  < Rerror 1 *
300 write: at an offset of all ones
  session
  create 1 0o644 2 w300
  > Twrite 1 1 0xffffffffffffffff x
  < Rerror 1 *
  stat 1 {length=0}
  remove 1
301 write: beyond 2^62
  session
  create 1 0o644 2 w301
  > Twrite 1 1 0x4000000000000000 x
  < Rerror 1 *
  stat 1 {length=0}
  remove 1
302 write: what is append-only grows at its end, whatever the offset
  session
  create 1 dmappend+0o644 2 w302
  write 1 0 3 abc
  write 1 0 3 def
  write 1 1000 1 g
  read 1 0 100 abcdefg
  remove 1
303 write: two fids append one after the other
  session
  create 1 dmappend+0o644 2 w303
  open 2 1 tmp w303
  write 1 0 3 abc
  write 2 0 3 def
  write 1 0 3 ghi
  read 1 0 100 abcdefghi
  remove 1
304 write: it changes qid.vers, and nothing else of the qid
  session
  create 1 0o644 2 w304
  stat 1 {qid=file.$v.$p}
  write 1 0 1 x
  stat 1 {qid=file.!$v.$p}
  remove 1
305 write: a write of the same bytes changes qid.vers, too
  session
  create 1 0o644 2 w305
  write 1 0 1 x
  stat 1 {qid=file.$v.$p}
  write 1 0 1 x
  stat 1 {qid=file.!$v.$p}
  remove 1
306 write: who did it is told
  session
  create 1 0o666 2 w306
  stat 1 {muid=$user}
  attach 10 rob
  > Twalk 1 10 11 [tmp w306]
  < Rwalk 1 [* *]
  > Topen 1 11 1
  < Ropen 1 * *
  write 11 0 1 x
  stat 1 {uid=$user muid=rob}
  remove 1
  needs theirs
307 write: another fid reads it
  session
  create 1 0o644 1 w307
  open 2 0 tmp w307
  write 1 0 3 abc
  read 2 0 10 abc
  remove 1
308 write: many in order
  session
  create 1 0o644 2 w308
  > Twrite 1 1 0 a ; Twrite 2 1 1 b ; Twrite 3 1 2 c
  << Rwrite 1 1 ; Rwrite 2 1 ; Rwrite 3 1
  read 1 0 10 abc
  remove 1
309 write: a file of the tree's own takes a command
  session
  open 1 0x11 ctl
  > Twrite 1 1 0 'anything\n'
  < Rwrite 1 9
`;

export const clunk = `
320 clunk: the fid is no more
  session
  walk 1 text
  > Tclunk 1 1
  < Rclunk 1
  > Tstat 1 1
  < Rerror 1 *
321 clunk: the number is free
  session
  walk 1 text
  clunk 1
  walk 1 dir
  stat 1 {name=dir}
322 clunk: an open fid
  session
  open 1 0 text
  > Tclunk 1 1
  < Rclunk 1
  > Tread 1 1 0 1
  < Rerror 1 *
323 clunk: an unknown fid
  session
  > Tclunk 1 7
  < Rerror 1 *
324 clunk: NOFID
  session
  > Tclunk 1 nofid
  < Rerror 1 *
325 clunk: not twice
  session
  walk 1 text
  > Tclunk 1 1
  < Rclunk 1
  > Tclunk 1 1
  < Rerror 1 *
326 clunk: the root's fid, and the others stay
  session
  walk 1 text
  clunk 0
  stat 1 {name=text}
327 clunk: one that a read waits for
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tclunk 6 1
  << Rerror 5 * ; Rclunk 6
  > Tstat 7 1
  < Rerror 7 *
328 clunk: of a file with ORCLOSE that is gone is no error
  session
  create 1 0o644 0x41 k328
  walk 2 tmp k328
  remove 2
  > Tclunk 1 1
  < Rclunk 1
329 clunk: a client that hangs up has clunked all: an exclusive file is free
  session
  open 1 0 excl
  2: session
  hangup
  2: open 1 0 excl
330 clunk: a client that hangs up has clunked all: ORCLOSE removes
  session
  create 1 0o644 0x41 k330
  2: session
  hangup
  2: > Twalk 1 0 1 [tmp k330]
  2: < Rwalk 1 [*]
331 clunk: a client may hang up while a read waits
  session
  open 1 0 block
  > Tread 5 1 0 10
  2: session
  > Tclunk 6 0
  < Rclunk 6
  hangup
  2: open 1 0 block
`;
