/* The arena, containers, big blocks: see util.h. Diagnostics and sessions are in diag.c. */
#include "util.h"

#include <stdlib.h>

/* An arena is a list of chunks, each a header and zeroed bytes that are handed out in order. Chunks double
 * from 64 KiB to 4 MiB; what is larger than a quarter of a chunk gets one of its own behind the current
 * one. */
typedef struct Chunk {
	struct Chunk *next;
	size_t size, used;
	_Alignas(16) char data[];
} Chunk;

struct Arena {
	Chunk *head, *first;
	size_t total;
};

enum { ALIGN = 16, CHUNK_MIN = 1 << 16, CHUNK_MAX = 1 << 22 };

/* under AddressSanitizer what is not handed out is poisoned, and GAP bytes lie between allocations: an access
 * beyond one is reported although the chunk is a single block of malloc */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
enum { GAP = ALIGN };
#define hide(p, n) __asan_poison_memory_region(p, n)
#define show(p, n) __asan_unpoison_memory_region(p, n)
#else
enum { GAP = 0 };
#define hide(p, n) ((void)0)
#define show(p, n) ((void)0)
#endif

static _Noreturn void
nomem(void)
{
	static const char text[] = "zenithc: error: out of memory\n";

	if (!zn || zn->log)
		fputs(text, zn ? zn->log : stderr);
	raise_status(EX_LIMIT);
}

static Chunk *
chunk_new(size_t size)
{
	Chunk *c;

	if (size > SIZE_MAX / 2 || !(c = calloc(1, sizeof(Chunk) + size)))
		nomem();
	c->size = size;
	hide(c->data, size);
	return c;
}

Arena *
arena_new(void)
{
	Chunk *c = chunk_new(CHUNK_MIN);
	Arena *a = (Arena *)c->data;

	c->used = (sizeof *a + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	show(c->data, sizeof *a);
	a->head = a->first = c;
	return a;
}

/* as new */
static void
arena_reset(Arena *a)
{
	Chunk *c = a->first;
	size_t from = (size_t)((char *)(a + 1) - c->data);

	for (Chunk *h = a->head, *next; h; h = next) {
		next = h->next;
		if (h != c)
			free(h);
	}
	from = (from + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	show(c->data + from, c->used - from);
	memset(c->data + from, 0, c->used - from);
	hide(c->data + from, c->size - from);
	c->used = from;
	c->next = NULL;
	a->head = c;
	a->total = 0;
}

void
arena_free(Arena *a)
{
	for (Chunk *c = a->head, *next; c; c = next) {
		next = c->next;
		free(c);
	}
}

static void *
arena_slow(Arena *a, size_t n)
{
	Chunk *h = a->head, *c;
	size_t size = h->size < CHUNK_MAX ? h->size * 2 : CHUNK_MAX;

	if (n > size / 4) {
		c = chunk_new(n);
		c->next = h->next;
		h->next = c;
	} else {
		c = chunk_new(size);
		c->next = h;
		a->head = c;
	}
	c->used = n;
	return c->data;
}

void *
arena_alloc(Arena *a, size_t want)
{
	Chunk *c = a->head;
	size_t n = ((want + ALIGN - 1) & ~(size_t)(ALIGN - 1)) + GAP;
	void *p;

	if (want > SIZE_MAX / 2)
		nomem();
	a->total += n;
	if (n > c->size - c->used)
		p = arena_slow(a, n);
	else {
		p = c->data + c->used;
		c->used += n;
	}
	show(p, want);
	return p;
}

size_t
arena_used(const Arena *a)
{
	return a->total;
}

void
scratch_begin(void)
{
	if (zn->arena != zn->keep)
		bug("the scratch arena is in use");
	if (!zn->scratch)
		zn->scratch = arena_new();
	zn->arena = zn->scratch;
}

void
scratch_end(void)
{
	zn->arena = zn->keep;
	arena_reset(zn->scratch);
}

Arena *
keep_begin(void)
{
	Arena *was = zn->arena;

	zn->arena = zn->keep;
	return was;
}

void
keep_end(Arena *was)
{
	zn->arena = was;
}

void *
alloc(size_t n)
{
	return arena_alloc(zn->arena, n);
}

void *
copy_mem(const void *s, size_t n)
{
	void *p = alloc(n);

	if (n)
		memcpy(p, s, n);
	return p;
}

char *
copy_str(const char *s)
{
	return copy_mem(s, strlen(s) + 1);
}

char *
fmt(const char *f, ...)
{
	va_list ap, again;
	char *s;
	int n;

	va_start(ap, f);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, f, ap);
	va_end(ap);
	if (n < 0)
		bug("format '%s'", f);
	s = alloc((size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, f, again);
	va_end(again);
	return s;
}

/* big blocks: a list through headers that lie before the 64-byte aligned bytes */
typedef struct Big {
	struct Big *next, *prev;
	void *raw;
} Big;

void *
big_alloc(size_t n)
{
	Big *b, *h = zn->big;
	char *raw;
	uintptr_t at;

	if (n > SIZE_MAX / 2 || !(raw = calloc(1, n + sizeof(Big) + 64)))
		nomem();
	at = ((uintptr_t)raw + sizeof(Big) + 63) & ~(uintptr_t)63;
	b = (Big *)at - 1;
	hide((char *)at + n, (size_t)(raw + n + sizeof(Big) + 64 - ((char *)at + n)));
	b->raw = raw;
	b->next = h;
	if (h)
		h->prev = b;
	zn->big = b;
	return (void *)at;
}

void
big_free(void *p)
{
	Big *b = p;

	if (!p)
		return;
	b--;
	if (b->prev)
		b->prev->next = b->next;
	else
		zn->big = b->next;
	if (b->next)
		b->next->prev = b->prev;
	free(b->raw);
}

void
big_free_all(void)
{
	while (zn->big)
		big_free((Big *)zn->big + 1);
}

/* small tables are the arena's, and stay there */
enum { TABLE_BIG = 1 << 9 };

void *
table_grow(void *p, size_t from, size_t to)
{
	void *q = to < TABLE_BIG ? alloc(to) : big_alloc(to);

	if (from)
		memcpy(q, p, from);
	table_free(p, from);
	return q;
}

void
table_free(void *p, size_t n)
{
	if (n >= TABLE_BIG)
		big_free(p);
}

void *
vec_grow(void *p, int *cap, size_t size)
{
	int old = *cap;
	void *q;

	if (old > INT32_MAX / 2)
		fatal(EX_LIMIT, NULL, "a list grew beyond %d entries", old);
	*cap = old ? old * 2 : 4;
	q = alloc(size * (size_t)*cap);
	if (old)
		memcpy(q, p, size * (size_t)old);
	return q;
}

static void
buf_room(Buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap * 2 : 128;

	if (n < b->cap - b->n)
		return;
	while (cap - b->n <= n)
		cap *= 2;
	b->p = table_grow(b->p, b->cap, cap);
	b->cap = cap;
}

void
buf_add(Buf *b, const char *s, size_t n)
{
	if (n > SIZE_MAX / 4)
		nomem();
	buf_room(b, n);
	if (n)
		memcpy(b->p + b->n, s, n);
	b->n += n;
}

void
buf_fmt(Buf *b, const char *f, ...)
{
	va_list ap, again;
	int n;

	buf_room(b, 64);
	va_start(ap, f);
	va_copy(again, ap);
	n = vsnprintf(b->p + b->n, b->cap - b->n, f, ap);
	va_end(ap);
	if (n < 0)
		bug("format '%s'", f);
	if ((size_t)n >= b->cap - b->n) {
		buf_room(b, (size_t)n);
		vsnprintf(b->p + b->n, b->cap - b->n, f, again);
	}
	va_end(again);
	b->n += (size_t)n;
}

void
buf_free(Buf *b)
{
	table_free(b->p, b->cap);
	*b = (Buf){0};
}

char *
buf_str(Buf *b)
{
	buf_room(b, 1);
	b->p[b->n] = 0;
	return b->p;
}

/* A map is an open table of slots, linear probing, at most half full. Values lie apart, each with its key, so
 * that slots handed out survive growth. */
typedef struct Cell {
	void *val;
	char key[];
} Cell;

typedef struct Slot {
	uint32_t hash, n;
	Cell *cell;
} Slot;

struct Map {
	Slot *p;
	size_t n, cap;
	Arena *arena;
};

uint64_t
hash_bytes(const void *data, size_t n, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t h = seed ^ (n * 0x9e3779b97f4a7c15u), w;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	w = 0;
	for (size_t i = 0; i < n; i++)
		w |= (uint64_t)p[i] << (8 * i);
	h = (h ^ w) * 0xc4ceb9fe1a85ec53u;
	h ^= h >> 29;
	h *= 0xff51afd7ed558ccdu;
	return h ^ h >> 32;
}

Map *
map_new(void)
{
	Map *m = NEW(Map);

	m->arena = zn->arena;
	return m;
}

static Slot *
map_find(const Map *m, const void *key, size_t n, uint32_t h)
{
	Slot *s;

	for (size_t i = h & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		s = &m->p[i];
		if (!s->cell || (s->hash == h && s->n == n && (!n || !memcmp(s->cell->key, key, n))))
			return s;
	}
}

static void
map_grow(Map *m)
{
	Slot *old = m->p;
	size_t cap = m->cap;

	m->cap = cap ? cap * 2 : 8;
	m->p = table_grow(NULL, 0, m->cap * sizeof *m->p);
	for (size_t i = 0; i < cap; i++)
		if (old[i].cell)
			*map_find(m, old[i].cell->key, old[i].n, old[i].hash) = old[i];
	table_free(old, cap * sizeof *old);
}

void **
map_at(Map *m, const void *key, size_t n)
{
	uint32_t h = (uint32_t)hash_bytes(key, n, 0);
	Slot *s = m->cap ? map_find(m, key, n, h) : NULL;
	Arena *was = zn->arena;

	if (s && s->cell)
		return &s->cell->val;
	if (n > UINT32_MAX)
		nomem();
	zn->arena = m->arena;
	if (m->n * 2 >= m->cap) {
		map_grow(m);
		s = map_find(m, key, n, h);
	}
	m->n++;
	*s = (Slot){h, (uint32_t)n, alloc(sizeof(Cell) + n)};
	if (n)
		memcpy(s->cell->key, key, n);
	zn->arena = was;
	return &s->cell->val;
}

void *
map_get(Map *m, const void *key, size_t n)
{
	Slot *s = m->cap ? map_find(m, key, n, (uint32_t)hash_bytes(key, n, 0)) : NULL;

	return s && s->cell ? s->cell->val : NULL;
}

void *
map_str(Map *m, const char *key)
{
	return map_get(m, key, strlen(key));
}

void **
map_at_str(Map *m, const char *key)
{
	return map_at(m, key, strlen(key));
}

void *
map_ptr(Map *m, const void *key)
{
	return map_get(m, &key, sizeof key);
}

void **
map_at_ptr(Map *m, const void *key)
{
	return map_at(m, &key, sizeof key);
}
