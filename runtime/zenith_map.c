/* The weights' file of a model compiled with --weights=file, mapped read-only. POSIX. */
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const void *zenith_map(const char *path, size_t bytes);

/* NULL if the file cannot be mapped or has another size. Stays mapped until the process ends */
const void *
zenith_map(const char *path, size_t bytes)
{
	struct stat st;
	void *p = MAP_FAILED;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && (unsigned long long)st.st_size == bytes)
		p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}
