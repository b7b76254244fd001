/* Tables of 16 MiB by calloc, few of whose elements are used, in a program with 40 MB of objects.
 * Stresses: huge pages under blocks that are touched a little.
 * Pattern: tables for each tenant or column; oneTBB#178. */
#include "workload.h"

enum { OBJECTS = 400000, OBJECT_BYTES = 100, TABLES = 64 };

static const size_t table_bytes = 16 * MIB;
static uint64_t checksum;

static void use_a_little(char *table, uint32_t serial)
{
    for (size_t at = 1234; at < table_bytes; at += MIB) {
        CHECK(table[at] == 0);
        table[at] = (char)(at / MIB + serial);
        checksum += mixed((uint64_t)serial << 32 | (unsigned char)table[at]);
    }
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "large tables by calloc, little of each touched", NULL);
    for (uint32_t at = 0; at < OBJECTS; at++) checksum += block_read(block_new(OBJECT_BYTES, at));
    for (uint32_t at = 0; at < scaled(TABLES); at++) use_a_little(checked(calloc(1, table_bytes), table_bytes), at);
    return workload_end(checksum);
}
