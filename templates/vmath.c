/* What is built of vector helpers, the same for every number of lanes: narrow memory, functions. */
/*@ zn_splat_u32x@ */
ZN_INLINE@ zn_u32x@ zn_splat_u32x@(uint32_t a) { return (zn_u32x@)zn_splat_i32x@((int32_t)a); }

/*@ zn_loadn_u32x@ */
ZN_INLINE@ zn_u32x@ zn_loadn_u32x@(const uint32_t *p, int n)
{
	return (zn_u32x@)zn_loadn_i32x@((const int32_t *)p, n);
}

/*@ zn_storen_u32x@ */
ZN_INLINE@ void zn_storen_u32x@(uint32_t *p, zn_u32x@ v, int n)
{
	zn_storen_i32x@((int32_t *)p, (zn_i32x@)v, n);
}

/*@ zn_load_u8x@ */
/* narrow elements are widened; stores take them modulo their range */
ZN_INLINE@ zn_i32x@ zn_load_u8x@(const uint8_t *p) { return zn_widen_u8x@(zn_raw8x@(p)); }

/*@ zn_loadn_u8x@ */
ZN_INLINE@ zn_i32x@ zn_loadn_u8x@(const uint8_t *p, int n) { return zn_widen_u8x@(zn_rawn8x@(p, n)); }

/*@ zn_store_u8x@ */
ZN_INLINE@ void zn_store_u8x@(uint8_t *p, zn_i32x@ v) { zn_put8x@(p, zn_narrow8x@(v)); }

/*@ zn_storen_u8x@ */
ZN_INLINE@ void zn_storen_u8x@(uint8_t *p, zn_i32x@ v, int n) { zn_putn8x@(p, zn_narrow8x@(v), n); }

/*@ zn_load_i8x@ */
ZN_INLINE@ zn_i32x@ zn_load_i8x@(const int8_t *p) { return zn_widen_i8x@(zn_raw8x@(p)); }

/*@ zn_loadn_i8x@ */
ZN_INLINE@ zn_i32x@ zn_loadn_i8x@(const int8_t *p, int n) { return zn_widen_i8x@(zn_rawn8x@(p, n)); }

/*@ zn_store_i8x@ */
ZN_INLINE@ void zn_store_i8x@(int8_t *p, zn_i32x@ v) { zn_put8x@(p, zn_narrow8x@(v)); }

/*@ zn_storen_i8x@ */
ZN_INLINE@ void zn_storen_i8x@(int8_t *p, zn_i32x@ v, int n) { zn_putn8x@(p, zn_narrow8x@(v), n); }

/*@ zn_load_u16x@ */
ZN_INLINE@ zn_i32x@ zn_load_u16x@(const uint16_t *p) { return zn_widen_u16x@(zn_raw16x@(p)); }

/*@ zn_loadn_u16x@ */
ZN_INLINE@ zn_i32x@ zn_loadn_u16x@(const uint16_t *p, int n) { return zn_widen_u16x@(zn_rawn16x@(p, n)); }

/*@ zn_store_u16x@ */
ZN_INLINE@ void zn_store_u16x@(uint16_t *p, zn_i32x@ v) { zn_put16x@(p, zn_narrow16x@(v)); }

/*@ zn_storen_u16x@ */
ZN_INLINE@ void zn_storen_u16x@(uint16_t *p, zn_i32x@ v, int n) { zn_putn16x@(p, zn_narrow16x@(v), n); }

/*@ zn_load_i16x@ */
ZN_INLINE@ zn_i32x@ zn_load_i16x@(const int16_t *p) { return zn_widen_i16x@(zn_raw16x@(p)); }

/*@ zn_loadn_i16x@ */
ZN_INLINE@ zn_i32x@ zn_loadn_i16x@(const int16_t *p, int n) { return zn_widen_i16x@(zn_rawn16x@(p, n)); }

/*@ zn_store_i16x@ */
ZN_INLINE@ void zn_store_i16x@(int16_t *p, zn_i32x@ v) { zn_put16x@(p, zn_narrow16x@(v)); }

/*@ zn_storen_i16x@ */
ZN_INLINE@ void zn_storen_i16x@(int16_t *p, zn_i32x@ v, int n) { zn_putn16x@(p, zn_narrow16x@(v), n); }

/*@ zn_load_f16x@ */
/* 16 bits as floats; stores round to nearest even */
ZN_INLINE@ zn_f32x@ zn_load_f16x@(const uint16_t *p) { return zn_widen_f16x@(zn_raw16x@(p)); }

/*@ zn_loadn_f16x@ */
ZN_INLINE@ zn_f32x@ zn_loadn_f16x@(const uint16_t *p, int n) { return zn_widen_f16x@(zn_rawn16x@(p, n)); }

/*@ zn_store_f16x@ */
ZN_INLINE@ void zn_store_f16x@(uint16_t *p, zn_f32x@ v) { zn_put16x@(p, zn_narrow_f16x@(v)); }

/*@ zn_storen_f16x@ */
ZN_INLINE@ void zn_storen_f16x@(uint16_t *p, zn_f32x@ v, int n) { zn_putn16x@(p, zn_narrow_f16x@(v), n); }

/*@ zn_load_bf16x@ */
ZN_INLINE@ zn_f32x@ zn_load_bf16x@(const uint16_t *p) { return (zn_f32x@)(zn_load_u16x@(p) << 16); }

/*@ zn_loadn_bf16x@ */
ZN_INLINE@ zn_f32x@ zn_loadn_bf16x@(const uint16_t *p, int n)
{
	return (zn_f32x@)(zn_loadn_u16x@(p, n) << 16);
}

/*@ zn_narrow_bf16x@ */
ZN_INLINE@ zn_i32x@ zn_narrow_bf16x@(zn_f32x@ v)
{
	const zn_u32x@ u = (zn_u32x@)v;
	const zn_i32x@ r = (zn_i32x@)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);

	return zn_select_i32x@(v == v, r, (zn_i32x@)(u >> 16 | 0x40u));
}

/*@ zn_store_bf16x@ */
ZN_INLINE@ void zn_store_bf16x@(uint16_t *p, zn_f32x@ v) { zn_store_u16x@(p, zn_narrow_bf16x@(v)); }

/*@ zn_storen_bf16x@ */
ZN_INLINE@ void zn_storen_bf16x@(uint16_t *p, zn_f32x@ v, int n)
{
	zn_storen_u16x@(p, zn_narrow_bf16x@(v), n);
}

/*@ zn_load_boolx@ */
/* bytes of 0 and 1 as masks */
ZN_INLINE@ zn_i32x@ zn_load_boolx@(const uint8_t *p) { return -zn_load_u8x@(p); }

/*@ zn_loadn_boolx@ */
ZN_INLINE@ zn_i32x@ zn_loadn_boolx@(const uint8_t *p, int n) { return -zn_loadn_u8x@(p, n); }

/*@ zn_store_boolx@ */
ZN_INLINE@ void zn_store_boolx@(uint8_t *p, zn_i32x@ v) { zn_store_u8x@(p, v & 1); }

/*@ zn_storen_boolx@ */
ZN_INLINE@ void zn_storen_boolx@(uint8_t *p, zn_i32x@ v, int n) { zn_storen_u8x@(p, v & 1, n); }

