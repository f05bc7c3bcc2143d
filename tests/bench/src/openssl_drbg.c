/* OpenSSL's HMAC-DRBG over SHA3-512, to be timed by `drbg`: reads "LENGTH COUNT" lines, draws COUNT
   times LENGTH bytes for each, and answers with the nanoseconds of CPU time that took. The first line
   of its output is the first 64 bytes it draws, in hex: who compares speeds compares results first.
   Needs libssl-dev. Public domain. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void must(int ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "openssl: %s failed\n", what);
        exit(1);
    }
}

static EVP_RAND_CTX *make(const char *name, EVP_RAND_CTX *parent) {
    EVP_RAND *kind = EVP_RAND_fetch(NULL, name, NULL);
    must(kind != NULL, name);
    EVP_RAND_CTX *made = EVP_RAND_CTX_new(kind, parent);
    must(made != NULL, name);
    EVP_RAND_free(kind);
    return made;
}

static long long cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(void) {
    unsigned char entropy[64], nonce[32], out[65536];
    for (int i = 0; i < 64; i++) entropy[i] = i;
    for (int i = 0; i < 32; i++) nonce[i] = 0x80 + i;
    unsigned int strength = 512;
    EVP_RAND_CTX *parent = make("TEST-RAND", NULL);
    OSSL_PARAM test[] = {OSSL_PARAM_construct_uint(OSSL_RAND_PARAM_STRENGTH, &strength),
                         OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_ENTROPY, entropy, 64),
                         OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_NONCE, nonce, 32),
                         OSSL_PARAM_construct_end()};
    must(EVP_RAND_CTX_set_params(parent, test), "parameters of TEST-RAND");
    must(EVP_RAND_instantiate(parent, 512, 0, NULL, 0, NULL), "TEST-RAND");
    EVP_RAND_CTX *drbg = make("HMAC-DRBG", parent);
    unsigned int interval = 0;
    OSSL_PARAM hmac[] = {OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_DIGEST, "SHA3-512", 0),
                         OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_MAC, "HMAC", 0),
                         OSSL_PARAM_construct_uint(OSSL_DRBG_PARAM_RESEED_REQUESTS, &interval),
                         OSSL_PARAM_construct_end()};
    must(EVP_RAND_CTX_set_params(drbg, hmac), "parameters of HMAC-DRBG");
    must(EVP_RAND_instantiate(drbg, 256, 0, (unsigned char *)"bench", 5, NULL), "HMAC-DRBG");
    must(EVP_RAND_generate(drbg, out, 64, 256, 0, NULL, 0), "first draw");
    for (int i = 0; i < 64; i++) printf("%02x", out[i]);
    printf("\n");
    fflush(stdout);
    unsigned long length, count;
    while (scanf("%lu %lu", &length, &count) == 2 && length <= sizeof out) {
        long long start = cpu();
        for (unsigned long i = 0; i < count; i++)
            must(EVP_RAND_generate(drbg, out, length, 256, 0, NULL, 0), "draw");
        printf("%lld\n", cpu() - start);
        fflush(stdout);
    }
    return 0;
}
