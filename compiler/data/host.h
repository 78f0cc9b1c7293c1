/* Values in the compiler's own memory: what data files hold, and what run and verify pass to a compiled
 * model.
 *
 * Elements are packed as ONNX packs them (dtype.h); strings are an array of Str. A sequence has elem[0..n);
 * an optional n 0 or 1; a map two elements, keys (a tensor of rank 1) and values (a tensor of rank 1; a
 * sequence if they are no scalars).
 */
#ifndef ZENITHC_HOST_H
#define ZENITHC_HOST_H

#include "../graph.h"

typedef struct Host {
	VKind kind;
	const char *name;        /* as the file says, or NULL */
	DType dt;  /* tensor: element; map: key; sequence, optional: of the tensors inside, DT_NONE if none */
	int rank;
	int64_t *dim;
	int64_t n;               /* tensor: elements; else: members of elem */
	void *p;                 /* tensor: bytes */
	size_t bytes;
	struct Host **elem;
} Host;

Host *host_tensor(DType, int rank, const int64_t *dim);    /* zeroed; refuses what exceeds limits or memory */
Host *host_list(VKind, int n);
void host_free(Host *);                     /* gives large memory back */
Host *host_as(Host *, DType);               /* under another type of the same meaning: u8 -> u4, V2 -> bf16 */
void host_seeded(Host *, uint64_t seed);    /* floats in [-1, 1), int8 and uint8 any, other integers 0 or 1 */
double host_at(const Host *, int64_t i);    /* element i of a numeric tensor */
uint64_t host_bits(const Host *, int64_t i);
const char *host_str(const Host *);         /* "float32[1,3]", "sequence of 3" */

/* files. Raise EX_INVALID or EX_UNSUPPORTED naming the file; writers raise EX_OUTPUT */
Host *npy_read(const char *path);
Host *npz_read(const char *path, const char *name);  /* the member NAME.npy; a file of one member needs no
							name */
void npy_write(const char *path, const Host *);          /* tensors only */
Host *pb_read(const char *path, VKind);  /* the kind expected; a tensor stands for a sequence of maps: see
					    verify.c */
void pb_write(const char *path, const Host *, const char *name);
Host *data_read(const char *path, const char *name, VKind);      /* by suffix */

/* a file's bytes, in the session's big memory */
typedef struct Bytes { unsigned char *p; size_t n; } Bytes;
Bytes file_read(const char *path);
/* what the readers of files do with them; path is for messages */
Host *npy_parse(Bytes, const char *path);
Host *npz_parse(Bytes, const char *path, const char *name);
Host *pb_parse(Bytes, VKind, const char *path);
/* both pieces, to a new file */
void file_write(const char *path, const void *, size_t, const void *, size_t);

#endif
