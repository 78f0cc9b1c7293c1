/* The bounded scan that comes before protobuf-c: depth, lengths, wire types and repeated singular messages
 * are checked against the schema, and the elements of every TensorProto are lifted out. What is left is a
 * small message in which a lifted tensor has the field raw_data, holding its number: an index into
 * Scan.tensor (uint32, little endian).
 */
#ifndef ZENITHC_SCAN_H
#define ZENITHC_SCAN_H

#include "../util.h"
#include <protobuf-c/protobuf-c.h>

typedef struct Lift {            /* a length-delimited field of a TensorProto, lying in the scanned bytes */
	int field;               /* raw_data, or a packed typed field */
	const uint8_t *p;
	size_t n;
} Lift;

typedef struct LiftRange { int first, n; } LiftRange;

typedef struct Scan {
	const uint8_t *p;        /* the message without elements */
	size_t n;
	VEC(Lift) lift;
	VEC(LiftRange) tensor;   /* lifts of one tensor, in file order */
} Scan;

enum { TENSOR_RAW = 9 };

void scan_message(const void *p, size_t n, const ProtobufCMessageDescriptor *, Scan *);
bool scan_varint(const uint8_t **p, const uint8_t *end, uint64_t *);

#endif
