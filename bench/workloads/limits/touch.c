/* What a page costs when it is first touched: one fault per page of fresh anonymous memory, without
 * huge pages. No allocator can grow more cheaply by touching. Prints `page-touch-seconds X`, the
 * least of several rounds. */
#include "workload.h"
#include <sys/mman.h>
#include <sys/resource.h>

enum { ROUNDS = 9, MIB_PER_ROUND = 64 };

static long faults_now(void)
{
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_minflt;
}

static double touch_seconds_per_page(size_t bytes)
{
    size_t pages = bytes / PAGE_BYTES;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    long faults_before = faults_now();
    double begin = seconds_now();
    for (size_t at = 0; at < bytes; at += PAGE_BYTES) ((volatile char *)memory)[at] = 1;
    double seconds = seconds_now() - begin;
    CHECK((size_t)(faults_now() - faults_before) >= pages);
    CHECK(munmap(memory, bytes) == 0);
    return seconds / (double)pages;
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "seconds per page touched for the first time", NULL);
    CHECK(sysconf(_SC_PAGESIZE) == PAGE_BYTES);
    size_t bytes = scaled(MIB_PER_ROUND) * MIB;
    double least = touch_seconds_per_page(bytes);
    for (unsigned round = 1; round < ROUNDS; round++) {
        double seconds = touch_seconds_per_page(bytes);
        if (seconds < least) least = seconds;
    }
    say(STDOUT_FILENO, "page-touch-seconds %.3e\n", least);
    return 0;
}
