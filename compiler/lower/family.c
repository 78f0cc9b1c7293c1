/* The chooser of micro-kernels. */
#include "family.h"

const Family family_table[] = {
#define FAMILY(name, build, loops, vectors, madds, loads, what) { #name, build, loops, vectors, madds, loads, what },
#include "families.def"
#undef FAMILY
	{ NULL, NULL, 0, false, 0, 0, NULL },
};

_Static_assert(LEN(family_table) - 1 <= LEN(((Lower *)0)->nfamily), "a counter for each");

/* the machine: two of each start in a cycle */
enum { MADDS = 2, LOADS = 2 };

/* cycles of one term of one element */
static double cost(const Family *f, const Isa *isa)
{
	return fmax(f->madds / MADDS, f->loads / LOADS) / (f->vectors ? isa->lanes : 1);
}

/* may it take the loops from k on? */
static bool fits(const Family *f, const Nest *n, const Stage *s, int k)
{
	const char *only = n->lo->opt->family;

	return (!f->vectors || n->isa) && k == (f->loops ? s->nloop - f->loops : 0) && (!only || !strcmp(only, f->name));
}

bool family_build(Nest *n, Stmt *b, const Stage *s, int k, Expr *body)
{
	const Family *best;
	unsigned tried = 0;

	while (n->lo->opt->opt > 0) {
		best = NULL;
		for (const Family *f = family_table; f->name; f++)
			if (!(tried >> (f - family_table) & 1) && fits(f, n, s, k) &&
				(!best || cost(f, n->isa) < cost(best, n->isa)))
				best = f;
		if (!best)
			break;
		if (best->build(n, b, s, body)) {
			n->lo->nfamily[best - family_table]++;
			return true;
		}
		tried |= 1u << (best - family_table);
	}
	return false;
}

void family_say(const Lower *lo)
{
	Buf b = { 0 };

	for (const Family *f = family_table; f->name; f++)
		buf_fmt(&b, " %s %d", f->name, lo->nfamily[f - family_table]);
	fprintf(stderr, "%-12s%s\n", "families", buf_str(&b));
}
