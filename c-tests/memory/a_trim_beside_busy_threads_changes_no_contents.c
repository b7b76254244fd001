/* Threads allocate, free and pass blocks on while two others trim without a pause: every block
 * keeps its contents, and calloc's are zero. */
#include "survivors.h"

enum { BUSY = 3, SLOTS = 2000, MAILBOXES = 64, SECONDS = 2 };

static volatile bool over;
static struct block *mailbox[MAILBOXES];

static size_t some_bytes(unsigned *state)
{
    unsigned kind = next_random(state) % 64;
    return bytes_between(state, 16, kind == 0 ? 100000 : kind < 8 ? 8000 : 700);
}

static struct block make_any(unsigned *state)
{
    struct block made = {NULL, some_bytes(state)};
    if (next_random(state) % 4 != 0) {
        make_block(&made, made.bytes);
        return made;
    }
    made.at = calloc(made.bytes, 1);
    EXPECT(made.at != NULL);
    EXPECT(is_zero(made.at, made.bytes));
    fill(made.at, made.bytes, (unsigned)made.bytes);
    return made;
}

/* The block itself lies in memory that another thread frees. */
static void pass_on(struct block passed, unsigned *state)
{
    struct block *letter = malloc(sizeof *letter);
    EXPECT(letter != NULL);
    *letter = passed;
    letter = __atomic_exchange_n(&mailbox[next_random(state) % MAILBOXES], letter, __ATOMIC_ACQ_REL);
    if (!letter) return;
    free_block(letter);
    free(letter);
}

static void *is_busy(void *seed)
{
    struct block *mine = calloc(SLOTS, sizeof *mine);
    unsigned state = *(unsigned *)seed;
    EXPECT(mine != NULL);
    while (!over) {
        struct block *chosen = &mine[next_random(&state) % SLOTS];
        if (chosen->at && next_random(&state) % 4 == 0) {
            pass_on(*chosen, &state);
            chosen->at = NULL;
        } else {
            free_block(chosen);
            if (next_random(&state) % 2 == 0) *chosen = make_any(&state);
        }
    }
    free_blocks(mine, SLOTS);
    free(mine);
    return NULL;
}

static void *trims(void *nothing)
{
    while (!over) malloc_trim(0);
    return nothing;
}

int main(void)
{
    watchdog(50);
    unsigned seed[BUSY] = {1, 2, 3};
    pthread_t thread[BUSY], trimmer = start(trims, NULL);
    for (int i = 0; i < BUSY; i++) thread[i] = start(is_busy, &seed[i]);
    for (double end = seconds_now() + SECONDS * patience(); seconds_now() < end; usleep(1000)) malloc_trim(0);
    over = true;
    for (int i = 0; i < BUSY; i++) join(thread[i]);
    join(trimmer);
    for (int i = 0; i < MAILBOXES; i++)
        if (mailbox[i]) free_block(mailbox[i]);
    return 0;
}
