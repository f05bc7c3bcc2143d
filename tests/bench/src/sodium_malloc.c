/* libsodium's guarded allocations, to be timed by `secrets`: reads "COUNT" lines, makes, reads and
   frees COUNT secrets of 32 bytes for each, and answers with the nanoseconds of CPU time that took.
   The first line of its output is the library's version. Needs libsodium23, without its headers: the
   four functions are declared here. Public domain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int sodium_init(void);
const char *sodium_version_string(void);
void *sodium_malloc(size_t size);
void sodium_free(void *place);

static void must(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "libsodium: %s failed\n", what);
        exit(1);
    }
}

static long long cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(void) {
    must(sodium_init() >= 0, "sodium_init");
    printf("%s\n", sodium_version_string());
    fflush(stdout);
    unsigned long count;
    volatile unsigned char sum = 0;
    while (scanf("%lu", &count) == 1) {
        long long start = cpu();
        for (unsigned long i = 0; i < count; i++) {
            unsigned char *place = sodium_malloc(32);
            must(place != NULL, "sodium_malloc");
            memset(place, 7, 32);
            for (int at = 0; at < 32; at++) sum ^= place[at];
            sodium_free(place);
        }
        printf("%lld\n", cpu() - start);
        fflush(stdout);
    }
    return 0;
}
