/** walk(5), open(5) and its create: from names to open files. */
export const walk = String.raw`
120 walk: a qid for each name
  session
  > Twalk 1 0 1 [dir c leaf]
  < Rwalk 1 [dir.*.* dir.*.* file.*.*]
121 walk: no names make a second fid of the same file
  session
  > Twalk 1 0 1 []
  < Rwalk 1 []
  stat 0 {qid=dir.*.$p}
  stat 1 {qid=dir.*.$p name=c9p}
122 walk: no names make a second fid of a file, too
  session
  walk 1 text
  > Twalk 1 1 2 []
  < Rwalk 1 []
  stat 2 {name=text}
123 walk: newfid may be fid, which then moves
  session
  > Twalk 1 0 0 [dir c]
  < Rwalk 1 [* *]
  stat 0 {name=c}
124 walk: no names from a fid to itself change nothing
  session
  > Twalk 1 0 0 []
  < Rwalk 1 []
  stat 0 {name=c9p}
125 walk: the first name that is not there is an error, and newfid stays free
  session
  > Twalk 1 0 1 [nowhere]
  < Rerror 1 *
  walk 1 text
126 walk: a later name that is not there ends it, and newfid stays free
  session
  > Twalk 1 0 1 [dir c nowhere x]
  < Rwalk 1 [dir.*.* dir.*.*]
  > Tstat 1 1
  < Rerror 1 *
127 walk: one that ends early leaves fid where it was
  session
  > Twalk 1 0 0 [dir nowhere]
  < Rwalk 1 [dir.*.*]
  stat 0 {name=c9p}
128 walk: from a file no name leads on
  session
  walk 1 text
  > Twalk 1 1 2 [x]
  < Rerror 1 *
129 walk: a file among the names ends it there
  session
  > Twalk 1 0 1 [text x]
  < Rwalk 1 [file.*.*]
  > Tstat 1 1
  < Rerror 1 *
130 walk: '..' leads up
  session
  stat 0 {qid=dir.*.$p}
  > Twalk 1 0 1 [dir ..]
  < Rwalk 1 [dir.*.* dir.*.$p]
131 walk: '..' leads up from where a fid was walked to
  session
  walk 1 dir c
  stat 0 {qid=dir.*.$p}
  > Twalk 1 1 2 [.. ..]
  < Rwalk 1 [dir.*.* dir.*.$p]
132 walk: the root is its own parent
  session
  > Tattach 1 1 nofid $user $aname
  < Rattach 1 dir.*.$r
  > Twalk 1 1 2 [.. ..]
  < Rwalk 1 [dir.*.$r dir.*.$r]
133 walk: '..' from a file is refused
  session
  walk 1 text
  > Twalk 1 1 2 [..]
  < Rerror 1 *
134 walk: '.' is no name
  session
  > Twalk 1 0 1 [.]
  < Rerror 1 *
135 walk: a name with a slash is refused
  session
  > Twalk 1 0 1 [dir/c]
  < Rerror 1 *
136 walk: an empty name is refused
  session
  > Twalk 1 0 1 ['']
  < Rerror 1 *
137 walk: a name with a NUL is refused
  session
  > Twalk 1 0 1 ['text\0']
  refused 1
138 walk: a name that is not UTF-8 is refused
  session
  > Twalk 1 0 1 [#c328]
  refused 1
139 walk: the longest name that there is does no harm
  session 1048576
  > Twalk 1 0 1 [x*65535]
  refused 1
140 walk: sixteen names go at once
  session
  > Twalk 1 0 1 [dir .. dir .. dir .. dir .. dir .. dir .. dir .. dir c]
  < Rwalk 1 [* * * * * * * * * * * * * * * dir.*.*]
  stat 1 {name=c}
141 walk: seventeen names are too many
  session
  > Twalk 1 0 1 [dir .. dir .. dir .. dir .. dir .. dir .. dir .. dir .. dir]
  refused 1
142 walk: sixteen of the longest names are many bytes, and do no harm
  session 1048576
  raw> #86000f00 #6e #0100 #00000000 #01000000 #1000
  raw> #ffff x*65535 #ffff x*65535 #ffff x*65535 #ffff x*65535 #ffff x*65535
  raw> #ffff x*65535 #ffff x*65535 #ffff x*65535 #ffff x*65535 #ffff x*65535
  raw> #ffff x*65535 #ffff x*65535 #ffff x*65535 #ffff x*65535 #ffff x*65535
  raw> #6400 x*100
  refused 1
143 walk: an open fid is not walked from
  session
  open 1 0 dir
  > Twalk 1 1 2 [a]
  < Rerror 1 *
144 walk: an open fid is not walked itself
  session
  open 1 0 dir
  > Twalk 1 1 1 [a]
  < Rerror 1 *
145 walk: newfid in use is refused, and stays what it was
  session
  walk 1 text
  > Twalk 1 0 1 [dir]
  < Rerror 1 *
  stat 1 {name=text}
146 walk: an unknown fid
  session
  > Twalk 1 7 1 [text]
  < Rerror 1 *
147 walk: NOFID is no newfid
  session
  > Twalk 1 0 nofid [text]
  < Rerror 1 *
148 walk: a second fid lives by itself
  session
  > Twalk 1 0 1 [text]
  < Rwalk 1 [*]
  > Twalk 1 1 2 []
  < Rwalk 1 []
  clunk 1
  stat 2 {name=text}
149 walk: a file has one qid, whichever way
  session
  > Twalk 1 0 1 [text]
  < Rwalk 1 [file.$v.$p]
  > Twalk 1 0 2 [dir .. text]
  < Rwalk 1 [* * file.$v.$p]
150 walk: files that are not the same have not the same path
  session
  > Twalk 1 0 1 [dir a]
  < Rwalk 1 [dir.*.$d file.*.$a]
  > Twalk 1 0 2 [dir b]
  < Rwalk 1 [dir.*.$d file.*.!$a]
151 walk: a directory that one may not search is as far as one gets
  session
  > Twalk 1 0 1 [theirs locked inner]
  < Rwalk 1 [* dir.*.*]
  > Tstat 1 1
  < Rerror 1 *
152 walk: the first name in a directory that one may not search is an error
  session
  walk 1 theirs locked
  > Twalk 1 1 2 [inner]
  < Rerror 1 *
153 walk: to list is not to search
  session
  walk 1 theirs listable
  > Twalk 1 1 2 [inner]
  < Rerror 1 *
154 walk: to search is enough
  session
  > Twalk 1 0 1 [theirs searchable inner]
  < Rwalk 1 [* * file.*.*]
`;

export const open = `
160 open: the qid is the file's
  session
  > Twalk 1 0 1 [text]
  < Rwalk 1 [file.$v.$p]
  > Topen 1 1 0
  < Ropen 1 file.$v.$p *
161 open: iounit is 0 or what a message of msize has room for
  session 4096
  walk 1 text
  > Topen 1 1 0
  < Ropen 1 * <=4085
162 open: a fid is opened once
  session
  open 1 0 text
  > Topen 1 1 0
  < Rerror 1 *
163 open: an unknown fid
  session
  > Topen 1 7 0
  < Rerror 1 *
164 open: a directory for reading
  session
  walk 1 dir
  > Topen 1 1 0
  < Ropen 1 dir.*.* *
165 open: a directory is not written
  session
  walk 1 dir
  > Topen 1 1 1
  < Rerror 1 *
166 open: a directory is not read and written
  session
  walk 1 dir
  > Topen 1 1 2
  < Rerror 1 *
167 open: a directory is not truncated
  session
  walk 1 dir
  > Topen 1 1 0x10
  < Rerror 1 *
168 open: bits of mode that mean nothing are refused: 4
  session
  walk 1 text
  > Topen 1 1 4
  < Rerror 1 *
169 open: bits of mode that mean nothing are refused: 8
  session
  walk 1 text
  > Topen 1 1 8
  < Rerror 1 *
170 open: one that was refused leaves the fid to be opened otherwise
  session
  walk 1 dir
  > Topen 1 1 1
  < Rerror 1 *
  > Topen 1 1 0
  < Ropen 1 * *
171 open: OTRUNC empties a file
  session
  create 1 0o644 1 o171
  write 1 0 3 abc
  clunk 1
  open 1 0x11 tmp o171
  stat 1 {length=0}
  remove 1
172 open: OTRUNC changes qid.vers
  session
  create 1 0o644 1 o172
  write 1 0 3 abc
  stat 1 {qid=file.$v.$p}
  clunk 1
  walk 1 tmp o172
  > Topen 1 1 0x11
  < Ropen 1 file.!$v.$p *
  remove 1
173 open: without OTRUNC the contents stay
  session
  create 1 0o644 1 o173
  write 1 0 3 abc
  clunk 1
  open 1 2 tmp o173
  read 1 0 10 abc
  remove 1
174 open: OTRUNC needs permission to write
  session
  create 1 0o444 1 o174
  write 1 0 3 abc
  clunk 1
  walk 1 tmp o174
  > Topen 1 1 0x10
  < Rerror 1 *
  stat 1 {length=3}
  remove 1
175 open: a file without write permission is not written, but read
  session
  create 1 0o444 0 o175
  clunk 1
  walk 1 tmp o175
  > Topen 1 1 1
  < Rerror 1 *
  > Topen 1 1 2
  < Rerror 1 *
  > Topen 1 1 0
  < Ropen 1 * *
  remove 1
176 open: a file without read permission is not read, but written
  session
  create 1 0o222 0 o176
  clunk 1
  walk 1 tmp o176
  > Topen 1 1 0
  < Rerror 1 *
  > Topen 1 1 2
  < Rerror 1 *
  > Topen 1 1 1
  < Ropen 1 * *
  remove 1
177 open: OEXEC needs permission to execute
  session
  create 1 0o644 0 o177
  clunk 1
  walk 1 tmp o177
  > Topen 1 1 3
  < Rerror 1 *
  remove 1
178 open: what is open with OEXEC is read, not written
  session
  create 1 0o755 1 o178
  write 1 0 3 abc
  clunk 1
  open 1 3 tmp o178
  read 1 0 10 abc
  > Twrite 1 1 0 x
  < Rerror 1 *
  remove 1
179 open: the owner's permission is not another's
  session
  walk 1 theirs owned
  > Topen 1 1 0
  < Rerror 1 *
  attach 10 ken
  > Twalk 1 10 11 [theirs owned]
  < Rwalk 1 [* *]
  > Topen 1 11 2
  < Ropen 1 * *
180 open: a member of the group has the group's permission
  session
  attach 10 rob
  > Twalk 1 10 11 [theirs club]
  < Rwalk 1 [* *]
  > Topen 1 11 1
  < Rerror 1 *
  > Topen 1 11 0
  < Ropen 1 * *
181 open: who is not a member has it not
  session
  walk 1 theirs club
  > Topen 1 1 0
  < Rerror 1 *
182 open: a directory that one may not list
  session
  walk 1 theirs searchable
  > Topen 1 1 0
  < Rerror 1 *
183 open: a directory that one may list
  session
  open 1 0 theirs listable
  ls 1 8192 [inner]
184 open: permission is looked at once: what is open stays open
  session
  create 1 0o644 2 o184
  write 1 0 3 abc
  wstat 1 {mode=0}
  read 1 0 10 abc
  write 1 3 1 d
  remove 1
185 open: ORCLOSE removes the file at the clunk
  session
  create 1 0o644 1 o185
  clunk 1
  open 1 0x40 tmp o185
  clunk 1
  > Twalk 1 0 1 [tmp o185]
  < Rwalk 1 [*]
186 open: ORCLOSE needs permission to remove the file
  session
  walk 1 theirs anyones
  > Topen 1 1 0x40
  < Rerror 1 *
187 open: an exclusive file is open once
  session
  open 1 0 excl
  walk 2 excl
  > Topen 1 2 0
  < Rerror 1 *
188 open: an exclusive file is free again after the clunk
  session
  open 1 0 excl
  walk 2 excl
  > Topen 1 2 0
  < Rerror 1 *
  clunk 1
  > Topen 1 2 0
  < Ropen 1 excl.*.* *
189 open: an open of an exclusive file that failed does not hold it
  session
  walk 1 excl
  > Topen 1 1 4
  < Rerror 1 *
  open 2 0 excl
190 open: OTRUNC leaves an append-only file as it is
  session
  create 1 dmappend+0o644 1 o190
  write 1 0 3 abc
  clunk 1
  open 1 0x11 tmp o190
  stat 1 {length=3}
  remove 1
191 open: a file that was removed is not opened
  session
  create 1 0o644 1 o191
  walk 2 tmp o191
  remove 1
  > Topen 1 2 0
  < Rerror 1 *
192 open: two fids of one file are open at once
  session
  open 1 0 text
  open 2 0 text
  read 1 0 5 hello
  read 2 7 5 world
193 open: the root
  session
  > Tattach 1 1 nofid $user $aname
  < Rattach 1 *
  > Topen 1 1 0
  < Ropen 1 dir.*.* *
194 open: an exclusive file is open once, whoever asks
  session
  open 1 0 excl
  2: session
  2: walk 1 excl
  2: > Topen 1 1 0
  2: < Rerror 1 *
  clunk 1
  2: > Topen 1 1 0
  2: < Ropen 1 * *
`;

export const create = String.raw`
200 create: a file, open, which the fid then is
  session
  walk 1 tmp
  > Tcreate 1 1 n200 0o644 2
  < Rcreate 1 file.$v.$p <=8205
  stat 1 {name=n200 qid=file.$v.$p length=0}
  write 1 0 3 abc
  read 1 0 10 abc
  remove 1
201 create: a directory, open for reading
  session
  walk 1 tmp
  > Tcreate 1 1 n201 dmdir+0o755 0
  < Rcreate 1 dir.*.* *
  read 1 0 8192 ''
  stat 1 {name=n201 mode=dmdir+0o755}
  remove 1
202 create: it can be walked to
  session
  create 1 0o644 1 n202
  stat 1 {qid=file.*.$p}
  > Twalk 1 0 2 [tmp n202]
  < Rwalk 1 [* file.*.$p]
  remove 1
203 create: a name that exists is refused, and the fid stays at the directory
  session
  walk 1 dir
  > Tcreate 1 1 a 0o644 1
  < Rerror 1 *
  > Topen 1 1 0
  < Ropen 1 dir.*.* *
204 create: not in a file
  session
  walk 1 text
  > Tcreate 1 1 x 0o644 1
  < Rerror 1 *
205 create: not by a fid that is open
  session
  open 1 0 tmp
  > Tcreate 1 1 n205 0o644 1
  < Rerror 1 *
206 create: '.' is no name
  session
  walk 1 tmp
  > Tcreate 1 1 . 0o644 1
  < Rerror 1 *
207 create: '..' is no name
  session
  walk 1 tmp
  > Tcreate 1 1 .. 0o644 1
  < Rerror 1 *
208 create: a name is not empty
  session
  walk 1 tmp
  > Tcreate 1 1 '' 0o644 1
  < Rerror 1 *
209 create: a name has no slash
  session
  walk 1 tmp
  > Tcreate 1 1 a/b 0o644 1
  < Rerror 1 *
210 create: a name has no NUL
  session
  walk 1 tmp
  > Tcreate 1 1 'a\0b' 0o644 1
  refused 1
211 create: a name is UTF-8
  session
  walk 1 tmp
  > Tcreate 1 1 #c328 0o644 1
  refused 1
212 create: a name for which no directory entry has room is refused
  session 1048576
  walk 1 tmp
  > Tcreate 1 1 x*65535 0o644 1
  refused 1
213 create: the name may be in any script
  session
  create 1 0o644 1 'Дневник日記'
  stat 1 {name='Дневник日記'}
  remove 1
214 create: a file has no permission that its directory has not
  session
  create 1 dmdir+0o751 0 n214
  walk 2 tmp n214
  > Tcreate 1 2 x 0o666 0
  < Rcreate 1 * *
  stat 2 {mode=0o640}
  remove 2
  remove 1
215 create: permission to execute a file is as asked for
  session
  create 1 dmdir+0o744 0 n215
  walk 2 tmp n215
  > Tcreate 1 2 x 0o777 0
  < Rcreate 1 * *
  stat 2 {mode=0o755}
  remove 2
  remove 1
216 create: a directory has no permission that its directory has not
  session
  create 1 dmdir+0o750 0 n216
  walk 2 tmp n216
  > Tcreate 1 2 x dmdir+0o777 0
  < Rcreate 1 * *
  stat 2 {mode=dmdir+0o750}
  remove 2
  remove 1
217 create: it is the user's
  session
  create 1 0o644 1 n217
  stat 1 {uid=$user}
  remove 1
218 create: it is of its directory's group
  session
  attach 10 ken
  > Twalk 1 10 11 [theirs]
  < Rwalk 1 [*]
  > Tcreate 1 11 sub dmdir+0o755 0
  < Rcreate 1 * *
  wstat 11 {gid=club}
  > Twalk 1 10 12 [theirs sub]
  < Rwalk 1 [* *]
  > Tcreate 1 12 x 0o644 0
  < Rcreate 1 * *
  stat 12 {uid=ken gid=club}
  remove 12
  remove 11
219 create: a directory is not opened for writing
  session
  walk 1 tmp
  > Tcreate 1 1 n219 dmdir+0o755 1
  < Rerror 1 *
  > Twalk 1 0 2 [tmp n219]
  < Rwalk 1 [*]
220 create: not where one may not write
  session
  walk 1 theirs
  > Tcreate 1 1 x 0o644 1
  < Rerror 1 *
221 create: the mode is not held against the permission
  session
  create 1 0 2 n221
  write 1 0 3 abc
  read 1 0 10 abc
  remove 1
222 create: an append-only file
  session
  walk 1 tmp
  > Tcreate 1 1 n222 dmappend+0o644 1
  < Rcreate 1 append.*.* *
  stat 1 {mode=dmappend+0o644 qid=append.*.*}
  remove 1
223 create: an exclusive file, which it holds
  session
  walk 1 tmp
  > Tcreate 1 1 n223 dmexcl+0o644 1
  < Rcreate 1 excl.*.* *
  walk 2 tmp n223
  > Topen 1 2 0
  < Rerror 1 *
  remove 1
224 create: ORCLOSE removes it at the clunk
  session
  create 1 0o644 0x41 n224
  write 1 0 1 x
  clunk 1
  > Twalk 1 0 1 [tmp n224]
  < Rwalk 1 [*]
225 create: not in a directory that was removed
  session
  create 1 dmdir+0o755 0 n225
  walk 2 tmp n225
  remove 1
  > Tcreate 1 2 x 0o644 1
  < Rerror 1 *
226 create: it changes the directory
  session
  walk 2 tmp
  stat 2 {qid=dir.$v.$p}
  create 1 0o644 1 n226
  stat 2 {qid=dir.!$v.$p}
  remove 1
227 create: an unknown fid
  session
  > Tcreate 1 7 x 0o644 1
  < Rerror 1 *
228 create: bits of mode that mean nothing are refused
  session
  walk 1 tmp
  > Tcreate 1 1 n228 0o644 0x84
  < Rerror 1 *
  > Twalk 1 0 2 [tmp n228]
  < Rwalk 1 [*]
`;
