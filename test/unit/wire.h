/* Writes protobuf messages by hand, for tests that want them small, odd or broken. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include "util.h"

static inline void
put_varint(Buf *b, uint64_t x)
{
	char c;

	for (; x >= 0x80; x >>= 7) {
		c = (char)(x | 0x80);
		buf_add(b, &c, 1);
	}
	c = (char)x;
	buf_add(b, &c, 1);
}

static inline void
put_int(Buf *b, int field, int64_t x)
{
	put_varint(b, (uint64_t)field << 3);
	put_varint(b, (uint64_t)x);
}

static inline void
put_bytes(Buf *b, int field, const void *p, size_t n)
{
	put_varint(b, (uint64_t)field << 3 | 2);
	put_varint(b, n);
	buf_add(b, p, n);
}

static inline void
put_str(Buf *b, int field, const char *s)
{
	put_bytes(b, field, s, strlen(s));
}

static inline void
put_msg(Buf *b, int field, Buf m)
{
	put_bytes(b, field, m.p ? m.p : "", m.n);
}

#endif
