/* Stands between a program and the system, loaded before the C library: in the folder that TGLHOST_TEST_FAULTS names, the file
 * `no-writes` makes every write to a file fail, `no-reads` every read from one, and `clock` sets the clock so many seconds ahead.
 * What is no file, a socket for example, is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int path_of(const char *fault, char *path, size_t size) {
    const char *folder = getenv("TGLHOST_TEST_FAULTS");
    return folder && snprintf(path, size, "%s/%s", folder, fault) < (int)size;
}

static int fails(int fd, const char *fault) {
    char path[4096];
    struct stat about;
    int error = errno;
    int is_so = path_of(fault, path, sizeof path) && access(path, F_OK) == 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    errno = is_so ? EIO : error;
    return is_so;
}

static long ahead_s(void) {
    char path[4096];
    long seconds = 0;
    FILE *file = path_of("clock", path, sizeof path) ? fopen(path, "r") : NULL;
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}

#define OR_EIO(result, fault, name, parameters, ...)                                                                                 \
    result name parameters {                                                                                                         \
        result(*next) parameters = (result(*) parameters)dlsym(RTLD_NEXT, #name);                                                    \
        return fails(fd, fault) ? -1 : next(__VA_ARGS__);                                                                            \
    }

OR_EIO(ssize_t, "no-writes", write, (int fd, const void *from, size_t count), fd, from, count)
OR_EIO(ssize_t, "no-writes", pwrite, (int fd, const void *from, size_t count, off_t at), fd, from, count, at)
OR_EIO(ssize_t, "no-writes", pwrite64, (int fd, const void *from, size_t count, off64_t at), fd, from, count, at)
OR_EIO(ssize_t, "no-writes", writev, (int fd, const struct iovec *from, int count), fd, from, count)
OR_EIO(int, "no-writes", fsync, (int fd), fd)
OR_EIO(int, "no-writes", fdatasync, (int fd), fd)
OR_EIO(int, "no-writes", ftruncate, (int fd, off_t length), fd, length)
OR_EIO(int, "no-writes", ftruncate64, (int fd, off64_t length), fd, length)
OR_EIO(ssize_t, "no-reads", pread, (int fd, void *to, size_t count, off_t at), fd, to, count, at)
OR_EIO(ssize_t, "no-reads", pread64, (int fd, void *to, size_t count, off64_t at), fd, to, count, at)
OR_EIO(ssize_t, "no-reads", read, (int fd, void *to, size_t count), fd, to, count)

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead_s();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
