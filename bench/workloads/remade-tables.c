/* Tables of 12 MiB by calloc, six at a time, each freed and made anew, little of each touched.
 * Stresses: calloc over freed memory: cleared by hand, all of it becomes resident.
 * Pattern: a table for each request. */
#include "workload.h"

enum { TABLES = 6, MADE = 120 };

static const size_t table_bytes = 12 * MIB;
static char *table[TABLES];
static uint64_t checksum;

static void make_anew(char **place, uint32_t serial)
{
    free(*place);
    *place = checked(calloc(1, table_bytes), table_bytes);
    for (size_t at = 1234; at < table_bytes; at += MIB) {
        CHECK((*place)[at] == 0);
        (*place)[at] = (char)(at / MIB + serial);
        checksum += mixed((uint64_t)serial << 32 | (unsigned char)(*place)[at]);
    }
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "large tables by calloc, made anew again and again", NULL);
    for (uint32_t at = 0; at < scaled(MADE); at++) make_anew(&table[at % TABLES], at);
    return workload_end(checksum);
}
