/* What the caller passes: tensors, sequences and optionals against what the model says of them, and back. The form of a
 * piece: prelude.c. */
/*@ zn_copy */
static inline void zn_copy(void *to, const void *from, int64_t n, size_t size)
{
	if (n > 0)
		memmove(to, from, (size_t)n * size);
}

/*@ zn_room */
/* whether the elements of these dims fit; of none, whether loops over the other dims come to an end */
static inline int zn_room(const int64_t *dims, int rank, size_t capacity)
{
	uint64_t n = 1, most = capacity;
	int i;

	for (i = 0; i < rank; i++) {
		if (dims[i] < 0)
			return 0;
		if (dims[i] == 0)
			most = INT32_MAX;
	}
	for (i = 0; i < rank; i++) {
		if (dims[i] == 0)
			continue;
		if (n > most / (uint64_t)dims[i])
			return 0;
		n *= (uint64_t)dims[i];
	}
	return n <= most;
}

/*@ zn_misplaced */
/* no place for elements of that size */
static inline int zn_misplaced(const void *p, size_t size)
{
	return !p || (uintptr_t)p % (size < sizeof(void *) ? size : sizeof(void *));
}

/*@ zn_nothing */
/* stands for the element that an optional has not */
static const uint64_t zn_nothing[2] = { 0, 0 };

/*@ zn_optional */
static inline int zn_optional(const zenith_tensor *t)
{
	return t->kind == ZENITH_KIND_OPTIONAL && t->count <= 1 && (!t->count || t->items);
}

/*@ zn_item_size */
/* a tensor of a sequence or optional (0: none) against what is expected; its dims, if the rank is known */
static inline int zn_item_size(const zenith_tensor *t, int32_t dtype, int32_t rank, int64_t *dims)
{
	int32_t i;

	if (!t)
		return ZENITH_OK;
	if (t->kind != ZENITH_KIND_TENSOR || t->dtype != dtype || t->strides)
		return ZENITH_BAD_ARGUMENT;
	if (t->rank < 0 || t->rank > ZENITH_MAX_RANK || (rank >= 0 && t->rank != rank))
		return ZENITH_BAD_SHAPE;
	for (i = 0; i < t->rank; i++)
		if (t->dims[i] < 0)
			return ZENITH_BAD_SHAPE;
	if (!zn_room(t->dims, t->rank, INT32_MAX))
		return ZENITH_BAD_SHAPE;
	if (!t->data && !zn_room(t->dims, t->rank, 0))
		return ZENITH_BAD_ARGUMENT;
	for (i = 0; dims && i < t->rank; i++)
		dims[i] = t->dims[i];
	return ZENITH_OK;
}

/*@ zn_list_size */
/* a sequence (0: none) against what is expected: elements of all items, items */
static inline int zn_list_size(const zenith_tensor *t, int32_t dtype, int32_t rank, int64_t *items, int64_t *shapes)
{
	size_t i;
	int32_t k;
	int status;
	int64_t n;

	shapes[1] = rank < 0 ? 1 + ZENITH_MAX_RANK : rank;
	if (!t)
		return ZENITH_OK;
	if (t->kind != ZENITH_KIND_SEQUENCE || (t->count && !t->items))
		return ZENITH_BAD_ARGUMENT;
	if (t->count > INT32_MAX)
		return ZENITH_BAD_SHAPE;
	shapes[0] = (int64_t)t->count;
	for (i = 0; i < t->count; i++) {
		status = zn_item_size(&t->items[i], dtype, rank, NULL);
		if (status != ZENITH_OK)
			return status;
		for (k = 0, n = 1; k < t->items[i].rank; k++)
			n *= t->items[i].dims[k];
		items[0] += n;
		if (items[0] > INT32_MAX)
			return ZENITH_BAD_SHAPE;
	}
	return ZENITH_OK;
}

/*@ zn_list_pack */
/* the items one behind the other, and their shapes: dims, or where ranks differ rank, dims, ones */
static inline void zn_list_pack(const zenith_tensor *t, int32_t rank, size_t size, void *items, int64_t *shapes)
{
	unsigned char *to = (unsigned char *)items;
	size_t i, n;
	int32_t k;

	for (i = 0; t && i < t->count; i++) {
		const zenith_tensor *x = &t->items[i];
		for (k = 0, n = size; k < x->rank; k++)
			n *= (size_t)x->dims[k];
		if (n)
			memcpy(to, x->data, n);
		to += n;
		if (rank < 0)
			*shapes++ = x->rank;
		for (k = 0; k < x->rank || (rank < 0 && k < ZENITH_MAX_RANK); k++)
			*shapes++ = k < x->rank ? x->dims[k] : 1;
	}
}

/*@ zn_list_unpack */
/* the reverse, into a sequence or optional with room for `capacity` tensors, each with its own capacity */
static inline int zn_list_unpack(zenith_tensor *t, int32_t kind, int64_t count, int32_t dtype, int32_t rank, size_t size,
	const void *items, const int64_t *shapes)
{
	const unsigned char *from = (const unsigned char *)items;
	int status = ZENITH_OK;
	size_t i, n;
	int32_t k, r;

	t->kind = kind;
	t->dtype = dtype;
	t->count = (size_t)count;
	if (t->count > t->capacity)
		status = ZENITH_CAPACITY;
	if (t->count && t->capacity && !t->items)
		return ZENITH_BAD_ARGUMENT;
	for (i = 0; i < t->count && i < t->capacity; i++) {
		zenith_tensor *x = &t->items[i];
		r = rank < 0 ? (int32_t)*shapes++ : rank;
		x->kind = ZENITH_KIND_TENSOR;
		x->dtype = dtype;
		x->rank = r;
		for (k = 0, n = 1; k < r; k++) {
			x->dims[k] = *shapes++;
			n *= (size_t)x->dims[k];
		}
		if (rank < 0)
			shapes += ZENITH_MAX_RANK - r;
		if (n > x->capacity)
			status = ZENITH_CAPACITY;
		else if (n && !x->data)
			return ZENITH_BAD_ARGUMENT;
		else if (n)
			memcpy(x->data, from, n * size);
		from += n * size;
	}
	return status;
}

/*@ zn_hold */
/* an optional of a sequence */
static inline int zn_hold(zenith_tensor *t, int has, int32_t dtype)
{
	t->kind = ZENITH_KIND_OPTIONAL;
	t->dtype = dtype;
	t->count = has ? 1 : 0;
	if (!has)
		return ZENITH_OK;
	if (!t->capacity)
		return ZENITH_CAPACITY;
	return t->items ? ZENITH_OK : ZENITH_BAD_ARGUMENT;
}

/*@ zn_check */
/* a tensor against what the model says of it */
static inline int zn_check(const zenith_tensor *t, const zenith_value *v)
{
	int i;

	if (t->kind != v->kind || t->dtype != v->dtype || t->strides)
		return ZENITH_BAD_ARGUMENT;
	if (t->rank != v->rank)
		return ZENITH_BAD_SHAPE;
	for (i = 0; i < v->rank; i++)
		if (t->dims[i] < 0 || (v->dims[i] >= 0 && t->dims[i] != v->dims[i]))
			return ZENITH_BAD_SHAPE;
	return ZENITH_OK;
}

/*@ zn_give */
/* an output's description, if there is one; dims as the model says, or as the run found */
static inline void zn_give(zenith_tensor *t, const zenith_value *v, const int64_t *dims, int status)
{
	int i;

	if (status != ZENITH_OK && status != ZENITH_CAPACITY)
		return;
	t->kind = v->kind;
	t->dtype = v->dtype;
	t->rank = v->rank;
	for (i = 0; i < v->rank; i++)
		t->dims[i] = dims ? dims[i] : v->dims[i];
}
