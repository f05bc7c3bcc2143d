/* A PKCS#11 module that is SoftHSM's but for one function, which behaves as real modules at times do.
   MODULE is the path of SoftHSM's, FAULT what happens when random bytes are asked for. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* CK_FUNCTION_LIST of version 2.40: C_GenerateRandom is its 65th function. */
struct list {
    unsigned char version[2];
    void *functions[68];
};
#define GENERATE_RANDOM 64

typedef unsigned long generate(unsigned long, unsigned char *, unsigned long);
static struct list ours;
static generate *theirs;

static unsigned long faulty(unsigned long session, unsigned char *bytes, unsigned long length) {
    enum { CHATTERS = 1, CRASHES, HANGS, REPEATS, REFUSES };
    switch (FAULT) {
    case CHATTERS:
        for (int i = 0; i < 10000; i++) {
            printf("\033[2JWARN a module that prints\n");
            fprintf(stderr, "ERROR a module that prints\n");
        }
        fflush(NULL);
        return theirs(session, bytes, length);
    case CRASHES:
        abort();
    case HANGS:
        for (;;)
            pause();
    case REPEATS:
        memset(bytes, 7, length);
        return 0;
    default:
        return 0x30; /* CKR_DEVICE_ERROR */
    }
}

unsigned long C_GetFunctionList(struct list **out) {
    struct list *real;
    unsigned long (*get)(struct list **) = dlsym(dlopen(MODULE, RTLD_NOW), "C_GetFunctionList");
    unsigned long refused = get(&real);
    if (refused)
        return refused;
    ours = *real;
    theirs = (generate *)ours.functions[GENERATE_RANDOM];
    ours.functions[GENERATE_RANDOM] = (void *)faulty;
    *out = &ours;
    return 0;
}
