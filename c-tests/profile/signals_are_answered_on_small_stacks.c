/* The stack that a program has for its signal handlers may hold little more than what the kernel
 * saves, as Rust's does. Signals that come meanwhile find it as it was. */
#include "profile.h"

#include <sys/auxv.h>

enum { DUMPS = 40, ROOM = 1536, PAGE = 4096 };

static volatile int ticks;
static volatile bool ended;

static void on_tick(int signal_number)
{
    char used[512];
    memset(used, signal_number, sizeof used);
    __asm__ volatile("" : : "r"(used) : "memory");
    ticks++;
}

static void *tick(void *thread)
{
    while (!ended) pthread_kill(*(pthread_t *)thread, SIGPROF), usleep(20);
    return NULL;
}

static void use_small_stack(void)
{
    unsigned long smallest = getauxval(AT_MINSIGSTKSZ);
    size_t bytes = (smallest > (size_t)MINSIGSTKSZ ? smallest : (size_t)MINSIGSTKSZ) + ROOM;
    size_t pages = (bytes + PAGE - 1) / PAGE * PAGE;
    char *start = mmap(NULL, pages + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(start != MAP_FAILED && mprotect(start + PAGE, pages, PROT_READ | PROT_WRITE) == 0);
    stack_t small = {.ss_sp = start + PAGE, .ss_size = bytes};
    EXPECT(sigaltstack(&small, NULL) == 0);
}

int main(void)
{
    pthread_t thread, self = pthread_self();
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART | SA_ONSTACK};
    static char text[DUMP_BYTES_MAX];
    require_tinyalloc();
    watchdog(50);
    EXPECT(option_set("profile_file", "small.heap") == 0 && option_set("stats_file", "small.stats") == 0);
    EXPECT(option_set("profile", "64K") == 0 && option_set("profile_signal", "USR2") == 0);
    EXPECT(option_set("stats_signal", "USR1") == 0);
    for (int i = 0; i < 1000; i++) EXPECT(malloc(2000) != NULL);
    use_small_stack();
    EXPECT(sigaction(SIGPROF, &action, NULL) == 0);
    EXPECT(pthread_create(&thread, NULL, tick, &self) == 0);
    for (int times = 0; times < DUMPS; times++) {
        unlink("small.heap");
        unlink("small.stats");
        EXPECT(raise(SIGUSR2) == 0 && raise(SIGUSR1) == 0);
        int file = open("small.heap", O_RDONLY);
        EXPECT(file >= 0);
        text[read_all(file, text, sizeof text - 1)] = 0;
        EXPECT(close(file) == 0 && strncmp(text, "heap profile: ", 14) == 0 && strstr(text, "\n{\"tinyalloc\":") != NULL);
        EXPECT(access("small.stats", R_OK) == 0);
    }
    int before = ticks;
    while (ticks < before + 10) usleep(100);
    ended = true;
    EXPECT(pthread_join(thread, NULL) == 0);
    return 0;
}
