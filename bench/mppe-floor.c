/* MPPE-128 of packets, plainly: what bench/mppe.ts is compared with.
 *
 *     gcc -O2 -o floor mppe-floor.c; floor stateless|stateful PACKETS BYTES
 *
 * Prints nanoseconds of CPU time a packet, and the last packet's first bytes in hex. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct rc4 {
	uint8_t s[256], i, j;
};

static void rc4_key(struct rc4 *r, const uint8_t *key, int n)
{
	uint8_t j = 0;
	for (int i = 0; i < 256; i++)
		r->s[i] = i;
	for (int i = 0; i < 256; i++) {
		uint8_t x = r->s[i];
		j += x + key[i % n];
		r->s[i] = r->s[j];
		r->s[j] = x;
	}
	r->i = r->j = 0;
}

static void rc4(struct rc4 *r, uint8_t *b, int n)
{
	uint8_t i = r->i, j = r->j, *s = r->s;
	for (int at = 0; at < n; at++) {
		uint8_t x = s[++i], y = s[j += x];
		s[i] = y;
		s[j] = x;
		b[at] ^= s[(uint8_t)(x + y)];
	}
	r->i = i;
	r->j = j;
}

static uint32_t rol(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void sha1_block(uint32_t *h, const uint8_t *b)
{
	uint32_t w[80], v[5];
	memcpy(v, h, sizeof v);
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)b[4 * i] << 24 | b[4 * i + 1] << 16 | b[4 * i + 2] << 8 | b[4 * i + 3];
	for (int i = 16; i < 80; i++)
		w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f, k;
		if (i < 20)
			f = v[3] ^ (v[1] & (v[2] ^ v[3])), k = 0x5a827999;
		else if (i < 40)
			f = v[1] ^ v[2] ^ v[3], k = 0x6ed9eba1;
		else if (i < 60)
			f = (v[1] & v[2]) | (v[3] & (v[1] | v[2])), k = 0x8f1bbcdc;
		else
			f = v[1] ^ v[2] ^ v[3], k = 0xca62c1d6;
		uint32_t t = rol(v[0], 5) + f + v[4] + k + w[i];
		v[4] = v[3], v[3] = v[2], v[2] = rol(v[1], 30), v[1] = v[0], v[0] = t;
	}
	for (int i = 0; i < 5; i++)
		h[i] += v[i];
}

static uint8_t start[16], session[16];
static struct rc4 tables;

/* RFC 3078 section 7.3 */
static void change(void)
{
	uint8_t text[128] = {0};
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	memcpy(text, start, 16);
	memcpy(text + 56, session, 16);
	memset(text + 72, 0xf2, 40);
	text[112] = 0x80;
	text[126] = 112 * 8 >> 8;
	text[127] = 112 * 8 & 255;
	sha1_block(h, text);
	sha1_block(h, text + 64);
	for (int i = 0; i < 16; i++)
		session[i] = h[i / 4] >> (24 - 8 * (i % 4));
	rc4_key(&tables, session, 16);
	rc4(&tables, session, 16);
	rc4_key(&tables, session, 16);
}

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int stateless = strcmp(argv[1], "stateless") == 0;
	int packets = atoi(argv[2]), bytes = atoi(argv[3]);
	uint8_t *b = calloc(bytes + 2, 1);
	for (int i = 0; i < 16; i++)
		start[i] = session[i] = i;
	rc4_key(&tables, session, 16);
	double began = cpu_ns();
	for (int i = 0; i < packets; i++) {
		int count = i & 0xfff;
		if (stateless || (count & 255) == 255)
			change();
		memset(b, 0x5a, 4);
		rc4(&tables, b + 2, bytes);
		b[0] = 0x90 | count >> 8;
		b[1] = count;
	}
	printf("%.0f ", (cpu_ns() - began) / packets);
	for (int i = 0; i < 16; i++)
		printf("%02x", b[2 + i]);
	printf("\n");
	return 0;
}
