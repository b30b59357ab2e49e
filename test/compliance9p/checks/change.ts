/** remove(5), stat(5) with its wstat, and flush(5). */
export const remove = `
340 remove: the file is gone, and the fid
  session
  create 1 0o644 1 d340
  > Tremove 1 1
  < Rremove 1
  > Tstat 1 1
  < Rerror 1 *
  > Twalk 1 0 1 [tmp d340]
  < Rwalk 1 [*]
341 remove: a file that is not open
  session
  create 1 0o644 1 d341
  clunk 1
  walk 1 tmp d341
  > Tremove 1 1
  < Rremove 1
342 remove: an empty directory
  session
  create 1 dmdir+0o755 0 d342
  > Tremove 1 1
  < Rremove 1
  > Twalk 1 0 1 [tmp d342]
  < Rwalk 1 [*]
343 remove: a directory that is not empty is refused, and stays
  session
  walk 1 dir
  > Tremove 1 1
  < Rerror 1 *
  walk 2 dir c leaf
344 remove: the fid is clunked where it is refused, too
  session
  walk 1 dir
  > Tremove 1 1
  < Rerror 1 *
  > Tstat 1 1
  < Rerror 1 *
  walk 1 text
345 remove: not without permission to write in the directory
  session
  walk 1 theirs anyones
  > Tremove 1 1
  < Rerror 1 *
  walk 1 theirs anyones
346 remove: a file that one may not write, in a directory that one may
  session
  create 1 0 0 d346
  > Tremove 1 1
  < Rremove 1
347 remove: the root
  session
  > Tattach 1 1 nofid $user $aname
  < Rattach 1 *
  > Tremove 1 1
  < Rerror 1 *
  > Tstat 1 1
  < Rerror 1 *
348 remove: an unknown fid
  session
  > Tremove 1 7
  < Rerror 1 *
349 remove: a file twice, by two fids
  session
  create 1 0o644 1 d349
  walk 2 tmp d349
  remove 1
  > Tremove 1 2
  < Rerror 1 *
350 remove: by an old fid it does not remove a new file of the same name
  session
  create 1 0o644 1 d350
  walk 2 tmp d350
  remove 1
  create 1 0o644 1 d350
  > Tremove 1 2
  < Rerror 1 *
  walk 2 tmp d350
  remove 2
351 remove: a new file of the same name has another qid.path
  session
  create 1 0o644 1 d351
  stat 1 {qid=file.*.$p}
  remove 1
  create 1 0o644 1 d351
  stat 1 {qid=file.*.!$p}
  remove 1
352 remove: it changes the directory
  session
  walk 2 tmp
  create 1 0o644 1 d352
  stat 2 {qid=dir.$v.$p}
  remove 1
  stat 2 {qid=dir.!$v.$p}
353 remove: one that a read waits for
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tremove 6 1
  << Rerror 5 * ; Rerror 6 *
  > Tstat 7 1
  < Rerror 7 *
  needs theirs
`;

export const stat = `
360 stat: of a file
  session
  walk 1 text
  > Tstat 1 1
  < Rstat 1 {name=text length=13 qid=file.*.*}
361 stat: a directory has length 0, and its bit in mode and qid
  session
  walk 1 dir
  > Tstat 1 1
  < Rstat 1 {name=dir length=0 mode=>=0x80000000 qid=dir.*.*}
362 stat: the qid is that of the walk
  session
  > Twalk 1 0 1 [text]
  < Rwalk 1 [file.$v.$p]
  > Tstat 1 1
  < Rstat 1 {qid=file.$v.$p}
363 stat: an unknown fid
  session
  > Tstat 1 7
  < Rerror 1 *
364 stat: of a file that is open
  session
  open 1 0 text
  > Tstat 1 1
  < Rstat 1 {name=text length=13}
365 stat: of a file that one may not read
  session
  walk 1 theirs owned
  > Tstat 1 1
  < Rstat 1 {name=owned mode=0o600 uid=ken}
366 stat: of a file in a directory that one may not list
  session
  walk 1 theirs searchable inner
  > Tstat 1 1
  < Rstat 1 {name=inner}
367 stat: append-only is in mode and qid
  session
  walk 1 append
  > Tstat 1 1
  < Rstat 1 {mode=>=dmappend qid=append.*.*}
368 stat: exclusive is in mode and qid
  session
  walk 1 excl
  > Tstat 1 1
  < Rstat 1 {mode=>=dmexcl qid=excl.*.*}
369 stat: the length is that of what was written
  session
  create 1 0o644 1 s369
  write 1 0 5000 x*5000
  stat 1 {length=5000 mode=0o644}
  remove 1
370 stat: the root is named /
  needs root
  session
  > Tattach 1 1 nofid $user ''
  < Rattach 1 *
  > Tstat 1 1
  < Rstat 1 {name=/}
`;

export const wstat = String.raw`
380 wstat: all "don't touch" is a sync, and changes nothing
  session
  create 1 0o644 1 c380
  stat 1 {qid=file.$v.$p mtime=$t}
  > Twstat 1 1 {}
  < Rwstat 1
  stat 1 {name=c380 mode=0o644 qid=file.$v.$p mtime=$t}
  remove 1
381 wstat: another name
  session
  create 1 0o644 1 c381
  stat 1 {qid=file.*.$p}
  > Twstat 1 1 {name=c381b}
  < Rwstat 1
  stat 1 {name=c381b qid=file.*.$p}
  > Twalk 1 0 2 [tmp c381]
  < Rwalk 1 [*]
  > Twalk 1 0 2 [tmp c381b]
  < Rwalk 1 [* file.*.$p]
  remove 1
382 wstat: a directory's name, and what is in it comes with it
  session
  create 1 dmdir+0o755 0 c382
  walk 2 tmp c382
  > Tcreate 1 2 x 0o644 0
  < Rcreate 1 * *
  wstat 1 {name=c382b}
  walk 3 tmp c382b x
  remove 2
  remove 1
383 wstat: the name that it has is no error
  session
  create 1 0o644 1 c383
  > Twstat 1 1 {name=c383}
  < Rwstat 1
  walk 2 tmp c383
  remove 1
384 wstat: a name that is there already is refused
  session
  create 1 0o644 1 c384
  create 2 0o644 1 c384b
  > Twstat 1 1 {name=c384b}
  < Rerror 1 *
  stat 1 {name=c384}
  remove 1
  remove 2
385 wstat: a name has no slash
  session
  create 1 0o644 1 c385
  > Twstat 1 1 {name=a/b}
  < Rerror 1 *
  stat 1 {name=c385}
  remove 1
386 wstat: '..' is no name
  session
  create 1 0o644 1 c386
  > Twstat 1 1 {name=..}
  < Rerror 1 *
  stat 1 {name=c386}
  remove 1
387 wstat: '.' is no name
  session
  create 1 0o644 1 c387
  > Twstat 1 1 {name=.}
  < Rerror 1 *
  remove 1
388 wstat: a name is UTF-8
  session
  create 1 0o644 1 c388
  > Twstat 1 1 {name=#c328}
  < Rerror 1 *
  stat 1 {name=c388}
  remove 1
389 wstat: a name for which no directory entry has room is refused
  session 1048576
  create 1 0o644 1 c389
  > Twstat 1 1 {name=x*65480}
  < Rerror 1 *
  stat 1 {name=c389}
  remove 1
390 wstat: not without permission to write in the directory: a name
  session
  attach 10 ken
  > Twalk 1 10 11 [theirs]
  < Rwalk 1 [*]
  > Tcreate 1 11 mine 0o666 0
  < Rcreate 1 * *
  walk 1 theirs mine
  > Twstat 1 1 {name=yours}
  < Rerror 1 *
  stat 1 {name=mine}
  remove 11
391 wstat: the root has no other name
  session
  > Tattach 1 1 nofid $user $aname
  < Rattach 1 *
  > Twstat 1 1 {name=x}
  < Rerror 1 *
392 wstat: a shorter length
  session
  create 1 0o644 2 c392
  write 1 0 6 abcdef
  > Twstat 1 1 {length=3}
  < Rwstat 1
  stat 1 {length=3}
  read 1 0 10 abc
  remove 1
393 wstat: a greater length, in zeros, whatever was there before
  session
  create 1 0o644 2 c393
  write 1 0 6 abcdef
  wstat 1 {length=1}
  > Twstat 1 1 {length=4}
  < Rwstat 1
  read 1 0 10 'a\0\0\0'
  remove 1
394 wstat: another length changes qid.vers
  session
  create 1 0o644 2 c394
  write 1 0 6 abcdef
  stat 1 {qid=file.$v.$p}
  wstat 1 {length=3}
  stat 1 {qid=file.!$v.$p}
  remove 1
395 wstat: a length that no file has
  session
  create 1 0o644 2 c395
  write 1 0 3 abc
  > Twstat 1 1 {length=0xfffffffffffffffe}
  < Rerror 1 *
  stat 1 {length=3}
  remove 1
396 wstat: a length needs permission to write the file
  session
  walk 1 theirs owned
  > Twstat 1 1 {length=0}
  < Rerror 1 *
  stat 1 {length=5}
397 wstat: a directory's length stays 0
  session
  create 1 dmdir+0o755 0 c397
  > Twstat 1 1 {length=1}
  < Rerror 1 *
  > Twstat 1 1 {length=0}
  < Rwstat 1
  remove 1
398 wstat: mode
  session
  create 1 0o644 1 c398
  > Twstat 1 1 {mode=0o600}
  < Rwstat 1
  stat 1 {mode=0o600}
  remove 1
399 wstat: mode of a directory, with its bit
  session
  create 1 dmdir+0o755 0 c399
  > Twstat 1 1 {mode=dmdir+0o700}
  < Rwstat 1
  stat 1 {mode=dmdir+0o700}
  remove 1
400 wstat: a file does not become a directory
  session
  create 1 0o644 1 c400
  > Twstat 1 1 {mode=dmdir+0o644}
  < Rerror 1 *
  stat 1 {mode=0o644 qid=file.*.*}
  remove 1
401 wstat: a directory does not become a file
  session
  create 1 dmdir+0o755 0 c401
  > Twstat 1 1 {mode=0o755}
  < Rerror 1 *
  stat 1 {mode=dmdir+0o755 qid=dir.*.*}
  remove 1
402 wstat: append-only, by its bit
  session
  create 1 0o644 2 c402
  write 1 0 3 abc
  > Twstat 1 1 {mode=dmappend+0o644}
  < Rwstat 1
  stat 1 {mode=dmappend+0o644 qid=append.*.*}
  remove 1
403 wstat: bits of mode that mean nothing are refused
  session
  create 1 0o644 1 c403
  > Twstat 1 1 {mode=0x10000+0o644}
  < Rerror 1 *
  stat 1 {mode=0o644}
  remove 1
404 wstat: mode is the owner's to change
  session
  walk 1 theirs anyones
  > Twstat 1 1 {mode=0o600}
  < Rerror 1 *
  stat 1 {mode=0o666}
405 wstat: mtime
  session
  create 1 0o644 1 c405
  > Twstat 1 1 {mtime=1000000000}
  < Rwstat 1
  stat 1 {mtime=1000000000}
  remove 1
406 wstat: mtime is the owner's to change
  session
  walk 1 theirs anyones
  stat 1 {mtime=$t}
  > Twstat 1 1 {mtime=1}
  < Rerror 1 *
  stat 1 {mtime=$t}
407 wstat: a group of one's own
  session
  attach 10 ken
  > Twalk 1 10 11 [theirs]
  < Rwalk 1 [*]
  > Tcreate 1 11 x 0o644 0
  < Rcreate 1 * *
  > Twstat 1 11 {gid=club}
  < Rwstat 1
  stat 11 {gid=club}
  remove 11
408 wstat: not a group of others
  session
  create 1 0o644 1 c408
  > Twstat 1 1 {gid=club}
  < Rerror 1 *
  remove 1
  needs theirs
409 wstat: group is the owner's to change
  session
  attach 10 rob
  > Twalk 1 10 11 [theirs anyones]
  < Rwalk 1 [* *]
  > Twstat 1 11 {gid=club}
  < Rerror 1 *
410 wstat: the owner is not changed
  session
  create 1 0o644 1 c410
  > Twstat 1 1 {uid=somebody}
  < Rerror 1 *
  stat 1 {uid=$user}
  remove 1
411 wstat: muid is not changed
  session
  create 1 0o644 1 c411
  > Twstat 1 1 {muid=somebody}
  < Rerror 1 *
  remove 1
412 wstat: type is not changed
  session
  create 1 0o644 1 c412
  > Twstat 1 1 {type=77}
  < Rerror 1 *
  remove 1
413 wstat: dev is not changed
  session
  create 1 0o644 1 c413
  > Twstat 1 1 {dev=77}
  < Rerror 1 *
  remove 1
414 wstat: qid.type is not changed
  session
  create 1 0o644 1 c414
  > Twstat 1 1 {qid=append.-1.-1}
  < Rerror 1 *
  stat 1 {qid=file.*.*}
  remove 1
415 wstat: qid.vers is not changed
  session
  create 1 0o644 1 c415
  stat 1 {qid=file.$v.$p}
  > Twstat 1 1 {qid=-1.$v+5.-1}
  < Rerror 1 *
  stat 1 {qid=file.$v.$p}
  remove 1
416 wstat: qid.path is not changed
  session
  create 1 0o644 1 c416
  stat 1 {qid=file.$v.$p}
  > Twstat 1 1 {qid=-1.-1.$p+1}
  < Rerror 1 *
  stat 1 {qid=file.$v.$p}
  remove 1
417 wstat: all or nothing: a name and an owner
  session
  create 1 0o644 1 c417
  > Twstat 1 1 {name=c417b uid=somebody}
  < Rerror 1 *
  stat 1 {name=c417}
  remove 1
418 wstat: all or nothing: a mode, a time, and a name that is there already
  session
  create 1 0o644 1 c418
  create 2 0o644 1 c418b
  stat 1 {mtime=$t}
  > Twstat 1 1 {mode=0o600 mtime=1 name=c418b}
  < Rerror 1 *
  stat 1 {name=c418 mode=0o644 mtime=$t}
  remove 1
  remove 2
419 wstat: all or nothing: a name, and a length that no file has
  session
  create 1 0o644 1 c419
  > Twstat 1 1 {name=c419b length=0xfffffffffffffffe}
  < Rerror 1 *
  stat 1 {name=c419}
  walk 2 tmp c419
  remove 1
420 wstat: all or nothing: a length, and another's mode
  session
  walk 1 theirs anyones
  > Twstat 1 1 {length=0 mode=0o600}
  < Rerror 1 *
  stat 1 {length=5 mode=0o666}
421 wstat: all or nothing: a length, and a group of others
  session
  create 1 0o644 1 c421
  write 1 0 3 abc
  > Twstat 1 1 {length=0 gid=club}
  < Rerror 1 *
  stat 1 {length=3}
  remove 1
  needs theirs
422 wstat: several things at once
  session
  create 1 0o644 1 c422
  write 1 0 3 abc
  > Twstat 1 1 {name=c422b length=1 mode=0o640 mtime=1000000000}
  < Rwstat 1
  stat 1 {name=c422b length=1 mode=0o640 mtime=1000000000}
  remove 1
423 wstat: an unknown fid
  session
  > Twstat 1 7 {}
  < Rerror 1 *
424 wstat: other fids see it
  session
  create 1 0o644 1 c424
  walk 2 tmp c424
  wstat 1 {name=c424b}
  stat 2 {name=c424b}
  remove 1
425 wstat: a file that was removed has no other name
  session
  create 1 0o644 1 c425
  walk 2 tmp c425
  remove 1
  > Twstat 1 2 {name=c425b}
  < Rerror 1 *
  > Twalk 1 0 1 [tmp c425b]
  < Rwalk 1 [*]
426 wstat: a control file takes length 0, as 9pfuse sends it
  session
  open 1 1 ctl
  > Twstat 1 1 {length=0}
  < Rwstat 1
427 wstat: a control file takes an mtime, as v9fs sends it
  session
  open 1 1 ctl
  > Twstat 1 1 {mtime=1700000000}
  < Rwstat 1
`;

export const flush = `
440 flush: an unknown tag
  session
  > Tflush 1 77
  < Rflush 1
441 flush: NOTAG
  session
  > Tflush 1 notag
  < Rflush 1
442 flush: itself
  session
  > Tflush 1 1
  < Rflush 1
443 flush: a request that was answered
  session
  > Tstat 1 0
  < Rstat 1 *
  > Tflush 2 1
  < Rflush 2
444 flush: a read that waits; its answer, if any, goes first
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
  > Tstat 7 1
  < Rstat 7 *
445 flush: the tag is free after it
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
  > Tstat 5 1
  < Rstat 5 *
446 flush: in one segment with what it flushes
  session
  open 1 0 block
  > Tread 5 1 0 10 ; Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
447 flush: the fid is as it was
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
  > Tread 5 1 0 10
  > Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
  clunk 1
448 flush: of one read leaves the other
  session
  open 1 0 block
  > Tread 5 1 0 10 ; Tread 6 1 0 10
  > Tflush 7 5
  <? Rerror 5 *
  < Rflush 7
  > Tstat 6 0
  < Rerror 6 *
  > Tflush 8 6
  <? Rerror 6 *
  < Rflush 8
449 flush: several of one tag are answered in order
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tflush 6 5 ; Tflush 7 5 ; Tflush 8 5
  <? Rerror 5 *
  < Rflush 6
  < Rflush 7
  < Rflush 8
450 flush: of a flush is answered after it
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tflush 6 5 ; Tflush 7 6
  <? Rerror 5 *
  < Rflush 6
  < Rflush 7
451 flush: several requests, in order
  session
  open 1 0 block
  > Tread 5 1 0 10 ; Tread 6 1 0 10 ; Tflush 7 5 ; Tflush 8 6
  <? Rerror 5 *
  < Rflush 7
  <? Rerror 6 *
  < Rflush 8
452 flush: a file that waited can be clunked, and its fid is gone
  session
  open 1 0 block
  > Tread 5 1 0 10
  > Tflush 6 5
  <? Rerror 5 *
  < Rflush 6
  clunk 1
  > Tread 5 1 0 10
  < Rerror 5 *
453 flush: a message that is refused needs none
  session
  > Tstat 1 7
  < Rerror 1 *
  > Tflush 2 1
  < Rflush 2
454 flush: an answer, if there is one, goes first
  session
  open 1 0 text
  > Tread 1 1 0 5 ; Tflush 2 1
  <? Rread 1 hello | Rerror 1 *
  < Rflush 2
`;
