/* Docker's default filter refuses get_mempolicy(2) and mbind(2): a heap that cannot be put on a
 * node says so, also for the first node, and goes on without. */
#include "heap.h"
#include "../limits/hard_times.h"
#include "../limits/seccomp.h"

int main(void)
{
    ta_heap_t *heap = ta_heap_create(NULL);
    EXPECT(heap != NULL);
    REFUSE(EPERM, SYS_get_mempolicy, SYS_mbind);
    for (int node = 0; node < 3; node++) {
        errno = 0;
        EXPECT(ta_heap_set_node(heap, node) == -1 && errno == EINVAL);
    }
    EXPECT(ta_heap_set_node(heap, -1) == 0);
    EXPECT(ta_heap_malloc(heap, 100) != NULL);
    EXPECT(ta_heap_malloc(heap, 100 * MIB) != NULL);
    EXPECT(hard_times() == 0);
    ta_heap_destroy(heap);
}
