/* Element types: one row each in dtype.def. The number of a type is ONNX's.
 *
 * In memory that zenithc lays out (workspace), an element of a sub-byte type takes a byte of its own: the
 * value of int4, int2 sign-extended, of uint4, uint2 zero-extended, the bit pattern of float4e2m1. Constants,
 * inputs, outputs and state hold them packed as ONNX does: the first element in the lowest bits. */
#ifndef ZENITHC_DTYPE_H
#define ZENITHC_DTYPE_H

#include "util.h"

typedef enum DType {
	DT_NONE,
#define DT(id, onnx, name, bits, class, ctype, npy) DT_##id = onnx,
#include "dtype.def"
#undef DT
	NDTYPE
} DType;

enum dclass { DC_B = 'B', DC_I = 'I', DC_U = 'U', DC_F = 'F', DC_N = 'N', DC_C = 'C', DC_S = 'S' };

typedef struct DTypeInfo { const char *name; int bits; enum dclass class; const char *ctype, *npy; } DTypeInfo;
extern const DTypeInfo dtype_info[NDTYPE];

#define dt_name(d) (dtype_info[d].name)
static inline bool dt_float(DType d) { return dtype_info[d].class == DC_F; }
static inline bool dt_signed(DType d) { return dtype_info[d].class == DC_I; }
static inline bool dt_int(DType d) { return dtype_info[d].class == DC_I || dtype_info[d].class == DC_U; }
static inline bool dt_valid(int64_t d) { return d > 0 && d < NDTYPE; }
static inline int dt_size(DType d) { return (dtype_info[d].bits + 7) / 8; } /* bytes of an unpacked element */
bool dt_bytes(DType, int64_t nelem, bool packed, size_t *bytes);   /* false on overflow */
DType dt_parse(const char *name);                                   /* DT_NONE if there is none */

/* host conversions, exact as ONNX and IEEE 754 define them (round to nearest even) */
double dt_to_double(DType, uint64_t bits);         /* any number but 64-bit integers beyond 2^53 exactly */
uint64_t dt_from_double(DType, double, bool saturate);
/* elements i..i+n of packed or unpacked memory as one 64-bit pattern each (sign- or zero-extended), and
 * back */
void dt_get(DType, bool packed, const void *mem, int64_t i, int64_t n, uint64_t *bits);
void dt_put(DType, bool packed, void *mem, int64_t i, int64_t n, const uint64_t *bits);

#endif
