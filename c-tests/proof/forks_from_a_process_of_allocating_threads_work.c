/* Eight threads allocate without a pause; children that are forked meanwhile free, allocate, start
 * a thread and exit. None may hang or crash. An argument says how many children; without one, a
 * machine too busy for all of them does fewer. */
#include "expect.h"
#include <time.h>

enum { CHILDREN = 300, THREADS = 8, BLOCKS = 64, CHILD_SECONDS = 50, SECONDS = 35 };

static volatile bool stop;
static void *_Atomic shared[THREADS][BLOCKS];

static size_t bytes_of(unsigned i) { return i % 61 == 0 ? 300000 : i % 13 == 0 ? 20000 : 16 + i * 37 % 2000; }

static void *churn(void *argument)
{
    size_t number = (size_t)argument;
    for (unsigned i = 0; !stop; i++) {
        void *block = i % 5 == 0 ? calloc(1, bytes_of(i)) : malloc(bytes_of(i));
        EXPECT(block != NULL);
        *(size_t *)block = number;
        /* Every third goes to a neighbour, who frees it as a remote block. */
        free(__atomic_exchange_n((void **)&shared[(number + i % 3) % THREADS][i % BLOCKS], block, __ATOMIC_ACQ_REL));
        if (i % 1024 == 0) usleep(100);
    }
    return NULL;
}

static void *use(void *ignored)
{
    void *block[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) block[i] = malloc(bytes_of(i));
    for (unsigned i = 0; i < BLOCKS; i++) {
        EXPECT(block[i] != NULL);
        fill(block[i], bytes_of(i), i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        EXPECT(is_filled(block[i], bytes_of(i), i));
        free(block[i]);
    }
    return ignored;
}

static void live_in_child(unsigned number)
{
    signal(SIGALRM, SIG_DFL);
    alarm(CHILD_SECONDS);
    use(NULL);
    for (unsigned thread = 0; thread < THREADS; thread++)
        for (unsigned i = 0; i < BLOCKS; i++) free(shared[thread][i]);
    use(NULL);
    if (number % 8 == 0) run_in_thread(use, NULL);
    malloc_trim(0);
    _exit(0);
}

int main(int count, char **argument)
{
    pthread_t thread[THREADS];
    unsigned children = count > 1 ? (unsigned)atoi(argument[1]) : CHILDREN;
    for (size_t i = 0; i < THREADS; i++) thread[i] = start(churn, (void *)i);
    time_t end = time(NULL) + SECONDS;
    for (unsigned i = 0; i < children && (count > 1 || time(NULL) < end); i++) {
        pid_t child = fork();
        if (child == 0) live_in_child(i);
        expect_child_exits_0(child);
    }
    stop = true;
    for (int i = 0; i < THREADS; i++) join(thread[i]);
}
