/* Threads on several nodes of memory have blocks in pages of their own node, also when they free
 * each other's; a heap has its blocks on the node that it is set to. On a machine with one node,
 * all is there. */
#include "heap.h"

#include <sched.h>
#include <sys/syscall.h>

enum { NODES_MAX = 8, BLOCKS = 4000, MOST_BYTES = 20000, PAGE = 4096 };

static int nodes_found;
static int cpu_of_node[NODES_MAX];
static char *blocks[NODES_MAX][BLOCKS];
static pthread_barrier_t barrier;

static void find_nodes(void)
{
    cpu_set_t cpus;
    EXPECT(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    for (int node = 0; node < NODES_MAX; node++)
        cpu_of_node[node] = -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        cpu_set_t one;
        unsigned int node;
        if (!CPU_ISSET(cpu, &cpus))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        EXPECT(sched_setaffinity(0, sizeof one, &one) == 0);
        EXPECT(getcpu(NULL, &node) == 0 && node < NODES_MAX);
        if (cpu_of_node[node] < 0)
            nodes_found++;
        cpu_of_node[node] = cpu;
    }
    EXPECT(sched_setaffinity(0, sizeof cpus, &cpus) == 0);
}

static void skip_where_the_kernel_moves_pages(void)
{
    char on = '0';
    int file = open("/proc/sys/kernel/numa_balancing", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    EXPECT(read(file, &on, 1) == 1);
    close(file);
    if (nodes_found > 1 && on != '0') skip("the kernel moves pages to the nodes that touch them");
}

static void run_on(int node)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu_of_node[node], &cpus);
    EXPECT(sched_setaffinity(0, sizeof cpus, &cpus) == 0);
}

/* The node that the page of an address lies on; negative if it lies nowhere, or the kernel does not
 * say. */
static int node_of(const void *address)
{
    void *page = (void *)((uintptr_t)address & ~(uintptr_t)(PAGE - 1));
    int status = -ENOENT;
    return syscall(SYS_move_pages, 0, 1UL, &page, NULL, &status, 0) == 0 ? status : -errno;
}

static size_t bytes_of(int block)
{
    return 16 + (size_t)block * 7919 % MOST_BYTES;
}

static void allocate(int node)
{
    for (int block = 0; block < BLOCKS; block++) {
        EXPECT((blocks[node][block] = malloc(bytes_of(block))) != NULL);
        memset(blocks[node][block], node + 1, bytes_of(block));
    }
}

static int elsewhere(int node)
{
    int count = 0;
    for (int block = 0; block < BLOCKS; block++) {
        int found = node_of(blocks[node][block] + bytes_of(block) / 2);
        if (found < 0)
            return 0;
        count += found != node;
    }
    return count;
}

static void *on_node(void *argument)
{
    int node = *(int *)argument;
    int other = node;
    run_on(node);
    allocate(node);
    pthread_barrier_wait(&barrier);
    EXPECT(elsewhere(node) <= BLOCKS / 50);
    /* The blocks of the next one's are freed here, and ours by another. */
    do
        other = (other + 1) % NODES_MAX;
    while (cpu_of_node[other] < 0);
    pthread_barrier_wait(&barrier);
    for (int block = 0; block < BLOCKS; block++)
        free(blocks[other][block]);
    pthread_barrier_wait(&barrier);
    allocate(node);
    EXPECT(elsewhere(node) <= BLOCKS / 50);
    pthread_barrier_wait(&barrier);
    for (int block = 0; block < BLOCKS; block++)
        free(blocks[node][block]);
    return NULL;
}

static void a_heap_on_each_node(void)
{
    for (int node = 0; node < NODES_MAX; node++) {
        ta_heap_t *heap = ta_heap_create(NULL);
        char *block;
        EXPECT(heap != NULL);
        if (cpu_of_node[node] < 0) {
            ta_heap_destroy(heap);
            continue;
        }
        EXPECT(ta_heap_set_node(heap, node) == 0);
        for (size_t bytes = 1000; bytes < 100 * MIB; bytes *= 10) {
            int found;
            EXPECT((block = ta_heap_malloc(heap, bytes)) != NULL);
            memset(block, 1, bytes);
            found = node_of(block + bytes / 2);
            EXPECT(found < 0 || found == node);
        }
        ta_heap_destroy(heap);
    }
}

static void mistakes_change_nothing(void)
{
    ta_heap_t *heap = ta_heap_create(NULL);
    EXPECT(ta_heap_set_node(heap, 63) == -1 && errno == EINVAL);
    EXPECT(ta_heap_set_node(heap, 1000) == -1 && errno == EINVAL);
    EXPECT(ta_heap_set_node(heap, -2) == -1 && errno == EINVAL);
    EXPECT(ta_heap_set_node(ta_heap_global(), 0) == -1 && errno == EINVAL);
    EXPECT(ta_heap_set_node(heap, -1) == 0);
    EXPECT(ta_heap_malloc(heap, 100) != NULL);
    ta_heap_destroy(heap);
}

static void statistics_know_the_nodes(void)
{
    struct ta_node_stats stats[NODES_MAX];
    size_t found = ta_stats_nodes(stats, NODES_MAX);
    EXPECT(ta_stats_nodes(NULL, 0) == found);
    EXPECT(found == (size_t)nodes_found);
    for (size_t at = 0; at < found; at++)
        EXPECT(stats[at].node < NODES_MAX && cpu_of_node[stats[at].node] >= 0);
}

int main(void)
{
    pthread_t threads[NODES_MAX];
    int numbers[NODES_MAX];
    require_tinyalloc();
    find_nodes();
    skip_where_the_kernel_moves_pages();
    EXPECT(pthread_barrier_init(&barrier, NULL, (unsigned int)nodes_found) == 0);
    for (int node = 0; node < NODES_MAX; node++) {
        numbers[node] = node;
        if (cpu_of_node[node] >= 0)
            EXPECT(pthread_create(&threads[node], NULL, on_node, &numbers[node]) == 0);
    }
    for (int node = 0; node < NODES_MAX; node++)
        if (cpu_of_node[node] >= 0)
            EXPECT(pthread_join(threads[node], NULL) == 0);
    statistics_know_the_nodes();
    a_heap_on_each_node();
    mistakes_change_nothing();
    return 0;
}
