/* External data: bytes of a tensor in a file of the model's folder (or of --external-root), and of nowhere
 * else.
 *
 * The location is relative and has no "..". After symbolic links are resolved the file lies in the
 * folder; it is a regular file with one link, so that no other name of it can have been planted; offset and
 * length lie within it.
 */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
location_ok(const char *s)
{
	if (!*s || *s == '/' || strchr(s, '\\'))
		return false;
	for (const char *p = s; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
			return false;
	}
	return true;
}

static File *
open_inside(const char *folder, const char *location, const char *where)
{
	char root[PATH_MAX], path[PATH_MAX];
	const char *q = quoted(location);
	File *f = NEW(File);
	struct stat st;
	size_t n;
	int fd;

	if (!location_ok(location))
		fatal(EX_INVALID, where,
			"external data at '%s': the location must be inside the model's folder", q);
	if (!realpath(*folder ? folder : ".", root))
		fatal(EX_INVALID, where, "external data: folder %s: %s", quoted(folder), strerror(errno));
	if (!realpath(fmt("%s/%s", root, location), path))
		fatal(EX_INVALID, where, "external data: file '%s' in %s: %s", q, quoted(root),
			strerror(errno));
	n = strlen(root);
	if (strcmp(root, "/") && (strncmp(path, root, n) || path[n] != '/'))
		fatal(EX_INVALID, where, "external data: '%s' leads out of the model's folder to %s; "
			"--external-root DIR permits a folder", q, quoted(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		fatal(EX_INVALID, where, "external data: file '%s': %s", q, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_nlink > 1) {
		close(fd);
		fatal(EX_INVALID, where, "external data: '%s' is %s", q, S_ISREG(st.st_mode)
			? "a file with several links: it may be something else than data of this model"
			: "not a regular file");
	}
	if (st.st_size)
		*f = file_map(fd, location);
	else {                          /* nor is read what only says that it is empty */
		close(fd);
		*f = (File){(const uint8_t *)"", 0, false};
	}
	return f;
}

static bool
number(const char *s, uint64_t *x)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*x = strtoull(s, &end, 10);
	return !errno && !*end;
}

const void *
external_bytes(Import *im, const Onnx__TensorProto *t, size_t need, const char *where)
{
	const char *location = NULL, *key, *val;
	uint64_t offset = 0, length = need;
	void **slot;
	File *f;

	for (size_t i = 0; i < t->n_external_data; i++) {
		key = STR_OF(t->external_data[i]->key);
		val = STR_OF(t->external_data[i]->value);
		if (!strcmp(key, "location"))
			location = val;
		else if ((!strcmp(key, "offset") && !number(val, &offset))
		|| (!strcmp(key, "length") && !number(val, &length)))
			fatal(EX_INVALID, where, "external data: %s '%s' is no number", key, quoted(val));
	}
	if (!location)
		fatal(EX_INVALID, where, "external data without a location");
	if (t->has_raw_data && t->raw_data.len)
		fatal(EX_INVALID, where, "external data, and raw_data beside it");
	if (length != need)
		fatal(EX_INVALID, where, "external data has %" PRIu64 " bytes, its shape and type need %zu",
			length, need);
	slot = map_at_str(im->file, location);
	if (!*slot)
		*slot = open_inside(im->folder, location, where);
	f = *slot;
	if (offset > f->n || length > f->n - offset)
		fatal(EX_INVALID, where,
			"external data: %" PRIu64 " bytes at %" PRIu64 " of '%s', which has %zu", length, offset,
			quoted(location), f->n);
	im->model->data_bytes += (int64_t)length;
	return f->p + offset;
}
