/* Every block is sampled: the unwinder runs on PTHREAD_STACK_MIN, and inside signal handlers. */
#include "profile.h"

enum { THREADS = 8, ROUNDS = 3000 };

static void on_signal(int signal)
{
    (void)signal;
    for (int i = 0; i < 20; i++) free(malloc(50 + 40 * (size_t)i));
}

static void *work(void *nothing)
{
    void *block[16] = {0};
    for (int i = 0; i < ROUNDS; i++) {
        free(block[i % 16]);
        block[i % 16] = malloc(i * 37 % 5000);
        if (i % 100 == 0) raise(SIGUSR1);
    }
    for (int i = 0; i < 16; i++) free(block[i]);
    return nothing;
}

int main(void)
{
    static struct dump dump;
    pthread_t thread[THREADS];
    pthread_attr_t attributes;
    require_tinyalloc();
    signal(SIGUSR1, on_signal);
    EXPECT(option_set("profile", "1") == 0);
    EXPECT(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
    for (int i = 0; i < THREADS; i++) EXPECT(pthread_create(&thread[i], &attributes, work, NULL) == 0);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
    const char *text = dump_now(&dump);
    EXPECT(number_after(text, "\"live_bytes\":") < 200000);
    EXPECT(bytes_of(text, "total", (uintptr_t)work, (uintptr_t)work + 4096) > 1000.0 * THREADS * ROUNDS);
}
