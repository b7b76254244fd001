/* One size at a time: 25 to 1,600 blocks in a row, then all freed, newest first, oldest first, or
 * every second one. Stresses: the hit path when a free list is longer than a thread cache of a few
 * blocks. Pattern: glibc's bench-malloc-simple. */
#include "simple.h"

enum { BLOCKS_PER_CASE = 1600000 };

int main(int count, char **argument)
{
    workload_begin(count, argument, "many blocks of one size in a row, one thread", NULL);
    return workload_end(simple_all(scaled(BLOCKS_PER_CASE)));
}
