/* Two engines' answers, element by element in double. */
#include "bench.h"

#include <math.h>
#include <string.h>

static double
half(uint16_t h)
{
	int e = h >> 10 & 31, m = h & 1023;
	double v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);

	return h >> 15 ? -v : v;
}

static double
brain(uint16_t h)
{
	uint32_t u = (uint32_t)h << 16;
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

static double
element(const Tensor *t, int64_t i)
{
	const void *p = t->p;

	switch (t->dtype) {
	case 1: return ((const float *)p)[i];
	case 2: return ((const uint8_t *)p)[i];
	case 3: return ((const int8_t *)p)[i];
	case 4: return ((const uint16_t *)p)[i];
	case 5: return ((const int16_t *)p)[i];
	case 6: return ((const int32_t *)p)[i];
	case 7: return (double)((const int64_t *)p)[i];
	case 9: return ((const uint8_t *)p)[i] != 0;
	case 10: return half(((const uint16_t *)p)[i]);
	case 11: return ((const double *)p)[i];
	case 12: return ((const uint32_t *)p)[i];
	case 13: return (double)((const uint64_t *)p)[i];
	case 16: return brain(((const uint16_t *)p)[i]);
	}
	return NAN;
}

static double
differ(const Tensor *a, const Tensor *b)
{
	double largest = 0, worst = 0;

	if (a->n != b->n)
		return INFINITY;
	for (int64_t i = 0; i < a->n; i++) {
		double x = element(a, i), y = element(b, i), d = fabs(x - y);
		if (x == y || (isnan(x) && isnan(y)))
			d = 0;
		else if (!isfinite(x) || !isfinite(y))
			return INFINITY;
		worst = d > worst ? d : worst;
		if (isfinite(x))
			largest = fabs(x) > largest ? fabs(x) : largest;
	}
	return worst == 0 ? 0 : largest == 0 ? INFINITY : worst / largest;
}

double
compare(Engine *a, Engine *b, int *n)
{
	Tensor x, y;
	double worst = 0, d;

	*n = 0;
	if (a->nout != b->nout)
		return INFINITY;
	for (int i = 0; i < a->nout; i++) {
		if (!a->result(a, i, &x) || !b->result(b, i, &y))
			continue;
		d = differ(&x, &y);
		worst = d > worst ? d : worst;
		++*n;
	}
	return *n ? worst : INFINITY;
}
