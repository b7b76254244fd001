/* Programs read these lines, as glibc's own tst-malloc-stats-cancellation does. */
#include "expect.h"

static char *lines_of_malloc_stats(char *output, size_t bytes_max)
{
    int ends[2], console = dup(STDERR_FILENO);
    EXPECT(pipe(ends) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, 64 * 1024);
    EXPECT(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    malloc_stats();
    EXPECT(dup2(console, STDERR_FILENO) >= 0);
    close(console);
    output[read_all(ends[0], output, bytes_max - 1)] = 0;
    close(ends[0]);
    char *totals = strstr(output, "\nTotal (incl. mmap):\n");
    EXPECT(totals != NULL);
    return totals + 1;
}

int main(void)
{
    static char output[64 * 1024], wanted[512];
    require_tinyalloc();
    char *one = malloc(40 * MIB), *other = malloc(50 * MIB);
    EXPECT(one && other);
    free(one);
    char *third = malloc(33 * MIB);
    EXPECT(third && (other = realloc(other, 70 * MIB)));
    size_t most = malloc_usable_size(third) + malloc_usable_size(other);
    free(other);

    char *totals = lines_of_malloc_stats(output, sizeof output);
    EXPECT(strncmp(output, "tinyalloc ", 10) == 0);
    struct ta_stats now = stats();
    snprintf(wanted, sizeof wanted,
             "Total (incl. mmap):\nsystem bytes     = %10zu\nin use bytes     = %10zu\n"
             "max mmap regions = %10u\nmax mmap bytes   = %10lu\n",
             now.committed, now.allocated, 2U, (unsigned long)most);
    EXPECT(strcmp(totals, wanted) == 0);
    free(third);
}
