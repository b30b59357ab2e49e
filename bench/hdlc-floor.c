/* HDLC-like framing (RFC 1662) written plainly: encode and decode of packets of 1400 bytes with
 * FCS-16, by the table of its appendix C. Prints nanoseconds of CPU a packet: encode, decode.
 *
 *     hdlc-floor PACKETS ACCM(hex)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { Flag = 0x7e, Esc = 0x7d, Flip = 0x20, Size = 1400, Good = 0xf0b8 };

static uint16_t table[256];
static uint8_t packet[Size + 4], line[2 * (Size + 8)], frame[Size + 64];

static void
make(void)
{
	for(int i = 0; i < 256; i++){
		unsigned v = i;
		for(int b = 0; b < 8; b++)
			v = v & 1 ? (v >> 1) ^ 0x8408 : v >> 1;
		table[i] = v;
	}
}

static uint8_t *
stuff(uint8_t *to, uint8_t c, uint32_t accm)
{
	if(c == Flag || c == Esc || (c < Flip && (accm >> c & 1))){
		*to++ = Esc;
		c ^= Flip;
	}
	*to++ = c;
	return to;
}

static size_t
encode(uint32_t accm)
{
	unsigned fcs = 0xffff;
	uint8_t *to = line;

	*to++ = Flag;
	for(size_t i = 0; i < sizeof packet; i++){
		fcs = fcs >> 8 ^ table[(fcs ^ packet[i]) & 0xff];
		to = stuff(to, packet[i], accm);
	}
	fcs ^= 0xffff;
	to = stuff(to, fcs & 0xff, accm);
	to = stuff(to, fcs >> 8, accm);
	*to++ = Flag;
	return to - line;
}

static int
decode(size_t n, uint32_t accm)
{
	size_t length = 0;
	unsigned fcs = 0xffff;
	int escaped = 0, frames = 0;

	for(size_t i = 0; i < n; i++){
		uint8_t c = line[i];
		if(c == Flag){
			if(length > 0 && !escaped && fcs == Good)
				frames++;
			length = 0;
			fcs = 0xffff;
			escaped = 0;
			continue;
		}
		if(c < Flip && (accm >> c & 1))
			continue;
		if(c == Esc){
			escaped = 1;
			continue;
		}
		if(escaped){
			c ^= Flip;
			escaped = 0;
		}
		if(length == sizeof frame)
			continue;
		frame[length++] = c;
		fcs = fcs >> 8 ^ table[(fcs ^ c) & 0xff];
	}
	return frames;
}

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int
main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 100000;
	uint32_t accm = argc > 2 ? strtoul(argv[2], NULL, 16) : 0;
	size_t bytes = 0;
	int got = 0;
	double t0, t1, t2;
	uint32_t x = 1;

	make();
	memcpy(packet, "\xff\x03\x00\x21", 4);
	for(size_t i = 4; i < sizeof packet; i++){
		x = x * 1103515245 + 12345;
		packet[i] = x >> 16;
	}
	t0 = cpu();
	for(int i = 0; i < n; i++){
		packet[8] = i;
		bytes = encode(accm);
	}
	t1 = cpu();
	for(int i = 0; i < n; i++)
		got += decode(bytes, accm);
	t2 = cpu();
	if(got != n)
		return 1;
	printf("%.1f %.1f\n", (t1 - t0) / n, (t2 - t1) / n);
	return 0;
}
