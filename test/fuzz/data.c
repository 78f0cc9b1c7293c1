/* Target: files of data. The first byte says of which format, .npy or .npz or .pb of a tensor, sequence, optional or
 * map. */
#include "fuzz.h"
#include "data/host.h"

static void
use(const Host *h)
{
	host_str(h);
	for (int64_t i = 0; h->kind != V_TENSOR && i < h->n; i++)
		use(h->elem[i]);
	for (int64_t i = 0; h->kind == V_TENSOR && h->dt != DT_STR && dtype_info[h->dt].class != DC_C && i < h->n; i++)
		host_at(h, i);
}

static void
read(void *arg)
{
	static const VKind kind[] = {V_TENSOR, V_SEQ, V_OPT, V_MAP};
	Bytes f = *(Bytes *)arg;
	int how = *f.p % (2 + LEN(kind));
	Host *h;

	f.p++, f.n--;
	h = how == 0 ? npy_parse(f, "x.npy") : how == 1 ? npz_parse(f, "x.npz", "x") : pb_parse(f, kind[how - 2], "x.pb");
	use(h);
	host_free(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	Bytes f = {(unsigned char *)(uintptr_t)p, n};

	if (n)
		fuzz_try(read, &f);
	return 0;
}
