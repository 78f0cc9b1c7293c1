/* The bounded scan: see scan.h. The schema is protobuf-c's descriptors, so that nothing is said twice. */
#include "scan.h"
#include "onnx.pb-c.h"

enum { WIRE_VARINT, WIRE_64, WIRE_LEN, WIRE_32 = 5 };
enum { MESSAGES_PER_NODE = 32 };

/* a message met in pass one, in preorder: its length after lifting, and where the next one outside it
 * stands */
typedef struct Msg { size_t was, now; int next; } Msg;

typedef struct Walk {
	Scan *out;
	const uint8_t *base;
	VEC(Msg) msg;
	int at;                  /* pass two: the next message */
	int64_t nnode;
	Buf buf;
} Walk;

typedef struct Field {
	uint32_t num;
	int wire;
	const uint8_t *tag, *val, *end;   /* val: after the length of WIRE_LEN */
} Field;

bool
scan_varint(const uint8_t **p, const uint8_t *end, uint64_t *x)
{
	*x = 0;
	for (int shift = 0; shift < 70 && *p < end; shift += 7) {
		uint8_t b = *(*p)++;

		*x |= (uint64_t)(b & 0x7f) << (shift < 64 ? shift : 63);
		if (b < 0x80)
			return shift < 63 || b < 2;
	}
	return false;
}

static _Noreturn void
damaged(const Walk *w, const uint8_t *at, const char *what)
{
	fatal(EX_INVALID, NULL, "not an ONNX model, or a damaged one: %s at byte %zu", what,
		(size_t)(at - w->base));
}

static void
next_field(const Walk *w, const uint8_t **p, const uint8_t *end, Field *f)
{
	uint64_t x, n;

	f->tag = *p;
	if (!scan_varint(p, end, &x) || x >> 3 == 0 || x >> 3 >= 1u << 29)
		damaged(w, f->tag, "a bad field number");
	f->num = (uint32_t)(x >> 3);
	f->wire = (int)(x & 7);
	f->val = *p;
	n = 0;
	switch (f->wire) {
	case WIRE_VARINT:
		if (!scan_varint(p, end, &x))
			damaged(w, f->tag, "a bad number");
		f->end = *p;
		return;
	case WIRE_64: n = 8; break;
	case WIRE_32: n = 4; break;
	case WIRE_LEN:
		if (!scan_varint(p, end, &n))
			damaged(w, f->tag, "a bad length");
		f->val = *p;
		break;
	default:
		damaged(w, f->tag, "a bad wire type");
	}
	if (n > (uint64_t)(end - *p))
		damaged(w, f->tag, "a length beyond what encloses it");
	*p += n;
	f->end = *p;
}

static int
wire_of(ProtobufCType t)
{
	switch (t) {
	case PROTOBUF_C_TYPE_FIXED32: case PROTOBUF_C_TYPE_SFIXED32: case PROTOBUF_C_TYPE_FLOAT:
		return WIRE_32;
	case PROTOBUF_C_TYPE_FIXED64: case PROTOBUF_C_TYPE_SFIXED64: case PROTOBUF_C_TYPE_DOUBLE:
		return WIRE_64;
	case PROTOBUF_C_TYPE_STRING: case PROTOBUF_C_TYPE_BYTES: case PROTOBUF_C_TYPE_MESSAGE:
		return WIRE_LEN;
	default:
		return WIRE_VARINT;
	}
}

static bool
lifted(const ProtobufCMessageDescriptor *d, const Field *f)
{
	if (d != &onnx__tensor_proto__descriptor || f->wire != WIRE_LEN)
		return false;
	return f->num == TENSOR_RAW || f->num == 4 || f->num == 5 || f->num == 7 || f->num == 10
		|| f->num == 11;
}

/* the field's descriptor, its wire type checked; NULL for one that the schema does not know */
static const ProtobufCFieldDescriptor *
known_field(const Walk *w, const ProtobufCMessageDescriptor *d, const Field *f)
{
	const ProtobufCFieldDescriptor *fd = protobuf_c_message_descriptor_get_field(d, f->num);
	int wire;

	if (!fd)
		return NULL;
	wire = wire_of(fd->type);
	if (f->wire != wire && !(f->wire == WIRE_LEN && fd->label == PROTOBUF_C_LABEL_REPEATED))
		damaged(w, f->tag, fmt("field '%s' of %s has the wrong wire type", fd->name, d->short_name));
	return fd;
}

/* a message that may occur once occurs once, and one member of a oneof: protobuf-c is never asked to merge */
static void
check_once(const Walk *w, const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *fd,
	const Field *f, uint64_t *seen)
{
	bool one = fd->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
	uint64_t bit = 0;

	if (fd->label == PROTOBUF_C_LABEL_REPEATED || (fd->type != PROTOBUF_C_TYPE_MESSAGE && !one))
		return;
	for (unsigned i = 0; i < d->n_fields && i < 64; i++)
		if (&d->fields[i] == fd
		|| (one && d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF
			&& d->fields[i].quantifier_offset == fd->quantifier_offset))
			bit |= (uint64_t)1 << i;
	if (*seen & bit)
		damaged(w, f->tag, fmt("field '%s' of %s is given twice", fd->name, d->short_name));
	*seen |= bit;
}

static size_t
varint_size(uint64_t x)
{
	size_t n = 1;

	for (; x >= 0x80; x >>= 7)
		n++;
	return n;
}

enum { TOKEN_BYTES = 6 };    /* tag, length, number */

static size_t
measure(Walk *w, const ProtobufCMessageDescriptor *d, const uint8_t *p, const uint8_t *end, int depth)
{
	int self = w->msg.n, first = w->out->lift.n;
	const ProtobufCFieldDescriptor *fd;
	size_t now = 0, n, was = (size_t)(end - p);
	uint64_t seen = 0;
	Field f;

	limit_check(LIM_DEPTH, depth, NULL);
	w->nnode += d == &onnx__node_proto__descriptor;
	limit_check(
		LIM_NODES, w->nnode > self / MESSAGES_PER_NODE ? w->nnode : self / MESSAGES_PER_NODE, NULL);
	push(&w->msg, ((Msg){0}));
	while (p < end) {
		next_field(w, &p, end, &f);
		if (!(fd = known_field(w, d, &f)))
			continue;
		check_once(w, d, fd, &f, &seen);
		if (lifted(d, &f))
			push(&w->out->lift, ((Lift){(int)f.num, f.val, (size_t)(f.end - f.val)}));
		else if (fd->type == PROTOBUF_C_TYPE_MESSAGE) {
			n = measure(w, fd->descriptor, f.val, f.end, depth + 1);
			now += varint_size((uint64_t)f.num << 3 | WIRE_LEN) + varint_size(n) + n;
		} else
			now += (size_t)(f.end - f.tag);
	}
	if (w->out->lift.n > first && d == &onnx__tensor_proto__descriptor) {
		push(&w->out->tensor, ((LiftRange){first, w->out->lift.n - first}));
		now += TOKEN_BYTES;
	}
	w->msg.p[self] = (Msg){was, now, w->msg.n};
	return now;
}

static void
put_varint(Buf *b, uint64_t x)
{
	char c[10];
	size_t n = 0;

	for (; x >= 0x80; x >>= 7)
		c[n++] = (char)(x | 0x80);
	c[n++] = (char)x;
	buf_add(b, c, n);
}

static void
put_token(Buf *b, uint32_t i)
{
	char c[TOKEN_BYTES] = {TENSOR_RAW << 3 | WIRE_LEN, 4};

	for (int k = 0; k < 4; k++)
		c[2 + k] = (char)(i >> (8 * k));
	buf_add(b, c, sizeof c);
}

/* the same walk, writing; `tensor` counts the lifted tensors passed so far, which are met in the order of
 * pass one */
static void
write_reduced(
	Walk *w, const ProtobufCMessageDescriptor *d, const uint8_t *p, const uint8_t *end, uint32_t *tensor)
{
	const ProtobufCFieldDescriptor *fd;
	bool any = false;
	Field f;

	w->at++;
	while (p < end) {
		next_field(w, &p, end, &f);
		if (!(fd = known_field(w, d, &f)))
			continue;
		if (lifted(d, &f))
			any = true;
		else if (fd->type == PROTOBUF_C_TYPE_MESSAGE) {
			put_varint(&w->buf, (uint64_t)f.num << 3 | WIRE_LEN);
			put_varint(&w->buf, w->msg.p[w->at].now);
			write_reduced(w, fd->descriptor, f.val, f.end, tensor);
		} else
			buf_add(&w->buf, (const char *)f.tag, (size_t)(f.end - f.tag));
	}
	if (any)
		put_token(&w->buf, (*tensor)++);
}

void
scan_message(const void *p, size_t n, const ProtobufCMessageDescriptor *d, Scan *s)
{
	const uint8_t *b = p;
	Walk w = {.out = s, .base = b};
	uint32_t tensor = 0;

	*s = (Scan){0};
	s->n = measure(&w, d, b, b + n, 1);
	w.buf.p = big_alloc(s->n + 1);
	w.buf.cap = s->n + 1;
	write_reduced(&w, d, b, b + n, &tensor);
	if (w.buf.n != s->n || tensor != (uint32_t)s->tensor.n)
		bug("scan: %zu bytes of %zu, %u tensors of %d", w.buf.n, s->n, tensor, s->tensor.n);
	s->p = (const uint8_t *)w.buf.p;
}
