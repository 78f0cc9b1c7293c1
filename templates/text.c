/* Strings: compared, split, joined, numbers from and to text. The form of a piece: prelude.c. */
/*@ zn_streq */
static inline int zn_streq(zenith_string a, zenith_string b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/*@ zn_blank */
static inline int zn_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*@ zn_strnext */
/* the part of s at *at, which goes behind it and its separator (none: blanks); with `rest` all that is left. 0 where
 * there is none */
static inline int zn_strnext(zenith_string s, zenith_string sep, size_t *at, int rest, zenith_string *part)
{
	size_t from = *at, to;

	while (sep.n == 0 && from < s.n && zn_blank(s.p[from]))
		from++;
	if (from > s.n || (sep.n == 0 && from == s.n))
		return 0;
	for (to = from; to < s.n && !rest; to++)
		if (sep.n ? s.n - to >= sep.n && memcmp(s.p + to, sep.p, sep.n) == 0 : zn_blank(s.p[to]))
			break;
	if (rest)
		to = s.n;
	part->p = from ? s.p + from : s.p;
	part->n = to - from;
	*at = to == s.n ? s.n + 1 : to + sep.n;
	return 1;
}

/*@ zn_strparts */
static inline int64_t zn_strparts(zenith_string s, zenith_string sep)
{
	zenith_string part;
	size_t at = 0;
	int64_t n = 0;

	while (zn_strnext(s, sep, &at, 0, &part))
		n++;
	return n;
}

/*@ zn_strpart */
/* part k, or all from part -1 - k on; nothing where there are fewer */
static inline zenith_string zn_strpart(zenith_string s, zenith_string sep, int64_t k)
{
	zenith_string part, none = { NULL, 0 };
	int64_t before = k < 0 ? -1 - k : k;
	size_t at = 0;

	while (before-- > 0)
		if (!zn_strnext(s, sep, &at, 0, &part))
			return none;
	return zn_strnext(s, sep, &at, k < 0, &part) ? part : none;
}

/*@ zn_strnum */
/* text as a number, 0 if it is none: blanks, sign, decimal digits with point and exponent, nan, inf, infinity */
static inline double zn_strnum(zenith_string s)
{
	const char *p = s.p, *const end = s.n ? s.p + s.n : s.p;
	const char *word;
	double r = 0.0, scale = 1.0;
	int neg, any = 0, e = 0, eneg = 0, exp10 = 0, k;

	while (p != end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
		p++;
	neg = p != end && *p == '-';
	if (p != end && (*p == '-' || *p == '+'))
		p++;
	if (p != end && (*p == 'n' || *p == 'N' || *p == 'i' || *p == 'I')) {
		word = *p == 'n' || *p == 'N' ? "nan" : "infinity";
		for (k = 0; p != end && word[k] && (*p | 32) == word[k]; k++)
			p++;
		r = word[0] == 'n' ? (k == 3 ? (double)NAN : 0.0) : k == 3 || k == 8 ? (double)INFINITY : 0.0;
		return neg ? -r : r;
	}
	for (; p != end && *p >= '0' && *p <= '9'; p++, any = 1)
		r = r * 10.0 + (*p - '0');
	if (p != end && *p == '.')
		for (p++; p != end && *p >= '0' && *p <= '9'; p++, any = 1) {
			r = r * 10.0 + (*p - '0');
			exp10--;
		}
	if (any && p != end && (*p == 'e' || *p == 'E')) {
		p++;
		eneg = p != end && *p == '-';
		if (p != end && (*p == '-' || *p == '+'))
			p++;
		for (; p != end && *p >= '0' && *p <= '9'; p++)
			e = e < 10000 ? e * 10 + (*p - '0') : e;
	}
	exp10 += eneg ? -e : e;
	for (k = exp10 < 0 ? -exp10 : exp10; k > 0 && scale < 1e300; k--)
		scale *= 10.0;
	r = exp10 < 0 ? r / scale : r * scale;
	for (; k > 0 && r != 0.0 && r < 1e308; k--)
		r = exp10 < 0 ? r / 10.0 : r * 10.0;
	return neg ? -r : r;
}

/*@ zn_strint */
static inline int64_t zn_strint(zenith_string s)
{
	size_t i = 0;
	uint64_t r = 0;
	int neg = 0;

	while (i < s.n && s.p[i] == ' ')
		i++;
	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		neg = s.p[i++] == '-';
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		r = r * 10u + (uint64_t)(s.p[i] - '0');
	return (int64_t)(neg ? 0 - r : r);
}

/*@ zn_text */
static inline zenith_string zn_text(zn_heap *h, const char *s, size_t n)
{
	zenith_string r = { NULL, 0 };
	char *p = (char *)zn_alloc(h, (int64_t)n, 1);

	if (p) {
		memcpy(p, s, n);
		r.p = p;
		r.n = n;
	}
	return r;
}

/*@ zn_strcat */
static inline zenith_string zn_strcat(zn_heap *h, zenith_string a, zenith_string b)
{
	zenith_string r = { NULL, 0 };
	char *p;

	if (a.n == 0 || b.n == 0)
		return a.n == 0 ? b : a;
	p = (char *)zn_alloc(h, (int64_t)(a.n + b.n), 1);
	if (p) {
		memcpy(p, a.p, a.n);
		memcpy(p + a.n, b.p, b.n);
		r.p = p;
		r.n = a.n + b.n;
	}
	return r;
}

/*@ zn_strcase */
/* the letters from..to of ASCII in the other case */
static inline zenith_string zn_strcase(zn_heap *h, zenith_string s, char from, char to)
{
	zenith_string r = { NULL, 0 };
	char *p = (char *)zn_alloc(h, (int64_t)s.n, 1);
	size_t i;

	if (p) {
		for (i = 0; i < s.n; i++)
			p[i] = (char)(s.p[i] >= from && s.p[i] <= to ? s.p[i] ^ 32 : s.p[i]);
		r.p = p;
		r.n = s.n;
	}
	return r;
}

/*@ zn_u64_digits */
/* writes decimal digits before end; where they begin */
static inline char *zn_u64_digits(char *end, uint64_t x)
{
	do
		*--end = (char)('0' + (int)(x % 10u));
	while ((x /= 10u) != 0);
	return end;
}

/*@ zn_str_i64 */
static inline zenith_string zn_str_i64(zn_heap *h, int64_t x)
{
	char b[24], *p = zn_u64_digits(b + sizeof b, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);

	if (x < 0)
		*--p = '-';
	return zn_text(h, p, (size_t)(b + sizeof b - p));
}

/*@ zn_str_u64 */
static inline zenith_string zn_str_u64(zn_heap *h, uint64_t x)
{
	char b[24], *p = zn_u64_digits(b + sizeof b, x);

	return zn_text(h, p, (size_t)(b + sizeof b - p));
}

/*@ zn_scale10 */
static inline double zn_scale10(double x, int k)
{
	if (k > 300)
		return x * 1e300 * pow(10.0, k - 300);
	return k < 0 ? x / pow(10.0, -k) : x * pow(10.0, k);
}

/*@ zn_str_f64 */
/* eight significant digits, without trailing zeros; an exponent below 1e-4 and from 1e8 on */
static inline zenith_string zn_str_f64(zn_heap *h, double x)
{
	char b[40], d[8], *p = b;
	const double a = fabs(x);
	int e, i, n = 8, point;
	int64_t m;

	if (x != x)
		return zn_text(h, "NaN", 3);
	if (a > 1.7976931348623157e308)
		return x < 0 ? zn_text(h, "-INF", 4) : zn_text(h, "INF", 3);
	if (copysign(1.0, x) < 0)
		*p++ = '-';
	e = a == 0.0 ? 0 : (int)floor(log10(a));
	m = (int64_t)rint(zn_scale10(a, 7 - e));
	if (m >= 100000000 || (a != 0.0 && m < 10000000)) {
		e += m >= 100000000 ? 1 : -1;
		m = (int64_t)rint(zn_scale10(a, 7 - e));
	}
	for (i = 7; i >= 0; i--, m /= 10)
		d[i] = (char)('0' + (int)(m % 10));
	while (n > 1 && d[n - 1] == '0')
		n--;
	point = e < -4 || e >= 8 ? 0 : e;
	if (point < 0) {
		*p++ = '0';
		*p++ = '.';
		for (i = -1; i > point; i--)
			*p++ = '0';
	}
	for (i = 0; i < n || i <= point; i++) {
		if (i == point + 1 && point >= 0)
			*p++ = '.';
		*p++ = i < n ? d[i] : '0';
	}
	if (e < -4 || e >= 8) {
		*p++ = 'e';
		*p++ = e < 0 ? '-' : '+';
		e = e < 0 ? -e : e;
		if (e >= 100)
			*p++ = (char)('0' + e / 100);
		*p++ = (char)('0' + e / 10 % 10);
		*p++ = (char)('0' + e % 10);
	}
	return zn_text(h, b, (size_t)(p - b));
}

/*@ zn_str_f32 */
static inline zenith_string zn_str_f32(zn_heap *h, float x) { return zn_str_f64(h, (double)x); }
