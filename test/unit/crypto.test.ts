/** MD4, SHA-1, RC4 and DES against the vectors of their documents. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { desEncrypt, desKey, md4, Rc4, sha1 } from '@9p/crypto';
import { fromHex, hex, utf8 } from '@9p/packet';

test('MD4: RFC 1320 section A.5', () => {
  const digits = '1234567890';
  const lower = 'abcdefghijklmnopqrstuvwxyz';
  const vectors: readonly [message: string, digest: string][] = [
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    [lower, 'd79e1c308aa5bbcdeea8ed63df412da9'],
    [`${lower.toUpperCase()}${lower}0123456789`, '043f8582f241db351ce627e153e7f0e4'],
    [digits.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ];
  for (const [message, digest] of vectors) assert.equal(hex(md4(utf8(message))), digest, message);
});

test('MD4: every length to beyond three blocks, as OpenSSL has it', () => {
  const digests = Array.from({ length: 201 }, (_, n) =>
    md4(Uint8Array.from({ length: n }, (_, i) => 7 * i + n)),
  );
  assert.equal(
    hex(md4(Uint8Array.from(digests.flatMap((d) => [...d])))),
    'd2949327338891198136db76bff41f2f',
  );
});

test('SHA-1: FIPS 180-1 appendices A to C', () => {
  for (const [message, digest] of [
    ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
    ],
    ['a'.repeat(1_000_000), '34aa973cd4c4daa4f61eeb2bdbad27316534016f'],
  ] as const)
    assert.equal(hex(sha1(utf8(message))), digest);
});

test('SHA-1: every length to beyond three blocks, as OpenSSL has it', () => {
  const out = new Uint8Array(20);
  for (let n = 0; n <= 200; n++) {
    const message = Uint8Array.from({ length: n }, (_, i) => 7 * i + n);
    assert.equal(sha1(message, out), out);
    assert.equal(hex(out), createHash('sha1').update(message).digest('hex'), `${n} bytes`);
  }
});

// RFC 6229 section 2: 16 bytes of the key stream from each offset on.
const offsets = [0, 16, 240, 256, 496, 512, 752, 768, 1008, 1024, 1520, 1536, 2032, 2048, 3056];
const streams: readonly [key: string, ...string[]][] = [
  [
    '0102030405',
    ...['b2396305f03dc027ccc3524a0a1118a8', '6982944f18fc82d589c403a47a0d0919'],
    ...['28cb1132c96ce286421dcaadb8b69eae', '1cfcf62b03eddb641d77dfcf7f8d8c93'],
    ...['42b7d0cdd918a8a33dd51781c81f4041', '6459844432a7da923cfb3eb4980661f6'],
    ...['ec10327bde2beefd18f9277680457e22', 'eb62638d4f0ba1fe9fca20e05bf8ff2b'],
    ...['45129048e6a0ed0b56b490338f078da5', '30abbcc7c20b01609f23ee2d5f6bb7df'],
    ...['3294f744d8f9790507e70f62e5bbceea', 'd8729db41882259bee4f825325f5a130'],
    ...['1eb14a0c13b3bf47fa2a0ba93ad45b8b', 'cc582f8ba9f265e2b1be9112e975d2d7'],
    ...['f2e30f9bd102ecbf75aaade9bc35c43c'],
  ],
  [
    '0102030405060708090a0b0c0d0e0f10',
    ...['9ac7cc9a609d1ef7b2932899cde41b97', '5248c4959014126a6e8a84f11d1a9e1c'],
    ...['065902e4b620f6cc36c8589f66432f2b', 'd39d566bc6bce3010768151549f3873f'],
    ...['b6d1e6c4a5e4771cad79538df295fb11', 'c68c1d5c559a974123df1dbc52a43b89'],
    ...['c5ecf88de897fd57fed301701b82a259', 'eccbe13de1fcc91c11a0b26c0bc8fa4d'],
    ...['e7a72574f8782ae26aabcf9ebcd66065', 'bdf0324e6083dcc6d3cedd3ca8c53c16'],
    ...['b40110c4190b5622a96116b0017ed297', 'ffa0b514647ec04f6306b892ae661181'],
    ...['d03d1bc03cd33d70dff9fa5d71963ebd', '8a44126411eaa78bd51e8d87a8879bf5'],
    ...['fabeb76028ade2d0e48722e46c4615a3'],
  ],
  [
    '8b37641910833222772a',
    ...['ab65c26eddb287600db2fda10d1e605c', 'bb759010c29658f2c72d93a2d16d2930'],
    ...['b901e8036ed1c383cd3c4c4dd0a6ab05', '3d25ce4922924c55f064943353d78a6c'],
    ...['12c1aa44bbf87e75e611f69b2c38f49b', '28f2b3434b65c09877470044c6ea170d'],
    ...['bd9ef822de5288196134cf8af7839304', '67559c23f052158470a296f725735a32'],
    ...['8bab26fbc2c12b0f13e2ab185eabf241', '31185a6d696f0cfa9b42808b38e132a2'],
    ...['564d3dae183c5234c8af1e51061c44b5', '3c0778a7b5f72d3c23a3135c7d67b9f4'],
    ...['f34369890fcf16fb517dcaae4463b2dd', '02f31c81e8200731b899b028e791bfa7'],
    ...['72da646283228c14300853701795616f'],
  ],
];

test('RC4: RFC 6229', () => {
  for (const [key, ...blocks] of streams) {
    assert.equal(blocks.length, offsets.length);
    const stream = new Uint8Array(4096);
    new Rc4(fromHex(key)).crypt(stream);
    for (const [i, at] of offsets.entries())
      assert.equal(hex(stream.subarray(at, at + 16)), blocks[i], `${key} at ${at}`);
  }
});

test('RC4: a stream goes on where it was, in the bytes named alone, and begins anew', () => {
  const whole = new Uint8Array(300);
  const rc4 = new Rc4(utf8('key'));
  rc4.crypt(whole);
  const parts = new Uint8Array(302).fill(0xa5);
  rc4.rekey(utf8('key'));
  parts.fill(0, 1, 301);
  for (const [from, to] of [
    [1, 2],
    [2, 2],
    [2, 258],
    [258, 301],
  ] as const)
    rc4.crypt(parts, from, to);
  assert.deepEqual(parts, Uint8Array.from([0xa5, ...whole, 0xa5]));
  assert.throws(() => rc4.rekey(new Uint8Array(0)), /1 to 256 bytes/);
  assert.throws(() => new Rc4(new Uint8Array(257)), /1 to 256 bytes/);
});

test('RC4: the messages of RFC 3079 section 3.5', () => {
  for (const [key, want] of [
    ['d1269ec49fa62e3e', '929137917e5803d668d75898'],
    ['d15c00c49fa62e3e', '3f106833fa448da842bc57b8'], // the RFC ends in 58; OpenSSL in b8
    ['405cb2247a7956e6e211007ae27b22d4', '81848317df68846272fb5abe'],
  ] as const) {
    const message = utf8('test message');
    new Rc4(fromHex(key)).crypt(message);
    assert.equal(hex(message), want);
  }
});

test('DES: published blocks, with the parity of the key and whatever it is', () => {
  for (const [key, block, want] of [
    ['133457799bbcdff1', '0123456789abcdef', '85e813540f0ab405'],
    ['0101010101010101', '8000000000000000', '95f8a5e5dd31d900'], // NBS 500-20
    ['7ca110454a1a6e57', '01a1d6d039776742', '690f5b0d9a26939b'],
  ] as const) {
    assert.equal(hex(desEncrypt(fromHex(block), fromHex(key))), want);
    const other = fromHex(key).map((b) => b ^ 1);
    assert.equal(hex(desEncrypt(fromHex(block), other)), want);
  }
});

test('DES: a key of 7 bytes gets its parity', () => {
  // RFC 2759 section 9.3
  assert.equal(hex(desKey(fromHex('fc156af7edcd6c'))), 'fd0b5b5e7f6e34d9');
  assert.equal(hex(desKey(fromHex('0edde3337d427f'))), '0e6e796737ea08fe');
  const block = fromHex('0123456789abcdef');
  assert.equal(
    hex(desEncrypt(block, fromHex('fc156af7edcd6c'))),
    hex(desEncrypt(block, fromHex('fd0b5b5e7f6e34d9'))),
  );
});

test('DES: sizes that are no block and no key', () => {
  assert.throws(() => desEncrypt(new Uint8Array(7), new Uint8Array(8)), /block has 8 bytes/);
  for (const n of [0, 6, 9, 24])
    assert.throws(() => desEncrypt(new Uint8Array(8), new Uint8Array(n)), /key has 7 or 8 bytes/);
});
