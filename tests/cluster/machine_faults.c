/*
 * A machine with a slow disk or a wrong clock, for one process: loaded before its other libraries.
 *
 * The process is that of a zone: `--zone NAME` among its words. Its faults are in the file NAME of
 * the folder STATOR_MACHINE_FAULTS: two 64-bit integers, the microseconds that every sync takes
 * longer, and the nanoseconds that the wall clock is ahead. They may change at any moment. Whoever
 * has no zone, or no file, has no faults.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
    volatile int64_t sync_microseconds;
    volatile int64_t ahead_nanoseconds;
};

static struct faults none;
static const struct faults *faults = &none;

__attribute__((constructor)) static void find_faults(void) {
    const char *folder = getenv("STATOR_MACHINE_FAULTS");
    static char words[65536];
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (folder == NULL || file < 0) return;
    ssize_t length = read(file, words, sizeof words - 1);
    close(file);
    const char *zone = NULL;
    for (const char *word = words; word < words + length; word += strlen(word) + 1)
        if (strcmp(word, "--zone") == 0) zone = word + strlen(word) + 1;
    if (zone == NULL || zone >= words + length) return;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, zone) >= (int)sizeof path) return;
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof(struct faults), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (shared != MAP_FAILED) faults = shared;
}

static void take_longer(void) {
    int64_t left = faults->sync_microseconds;
    struct timespec pause = {left / 1000000, left % 1000000 * 1000};
    if (left > 0) nanosleep(&pause, NULL);
}

int fsync(int file) {
    take_longer();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    take_longer();
    return (int)syscall(SYS_fdatasync, file);
}

static int is_wall(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real != NULL ? real(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
    int64_t ahead = faults->ahead_nanoseconds;
    if (answer == 0 && ahead != 0 && is_wall(clock)) {
        int64_t now = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + ahead;
        time->tv_sec = now / 1000000000;
        time->tv_nsec = now % 1000000000;
    }
    return answer;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place != NULL) *place = now.tv_sec;
    return now.tv_sec;
}
