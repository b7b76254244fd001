/* Reads lines "name access" of the table, and holds each name to what jemalloc(3) says of its
 * access. Compiled by every_name_keeps_to_its_access.sh. */
#include "../control.h"

static int by_mib(const char *name, void *old, size_t *old_bytes, void *new, size_t new_bytes)
{
    size_t mib[7], words = 7;
    EXPECT(mallctlnametomib(name, mib, &words) == 0);
    return mallctlbymib(mib, words, old, old_bytes, new, new_bytes);
}

static size_t size_of_value(const char *name, void *value)
{
    for (size_t size = 1; size <= 8; size *= 2) {
        size_t bytes = size;
        if (mallctl(name, value, &bytes, NULL, 0) == 0) {
            EXPECT(bytes == size);
            return size;
        }
    }
    say("%s cannot be read", name);
    exit(1);
}

static void reads(const char *name)
{
    unsigned char value[16], same[16];
    size_t size = size_of_value(name, value);
    EXPECT(size == 1 || size == 4 || size == 8);
    size_t bytes = size;
    EXPECT(by_mib(name, same, &bytes, NULL, 0) == 0);
    bool changes = strstr(name, "stats.") == name || strstr(name, "create");
    EXPECT(changes || memcmp(value, same, size) == 0);
    /* Too little room, too much: what fits is there, and how much that is. */
    for (size_t room = 0; room <= 16; room++) {
        if (room == size)
            continue;
        bytes = room;
        memset(same, 0xaa, sizeof same);
        EXPECT(mallctl(name, same, &bytes, NULL, 0) == EINVAL);
        EXPECT(bytes == (room < size ? room : size));
        EXPECT(changes || memcmp(value, same, bytes) == 0);
        EXPECT(same[bytes] == 0xaa || bytes == 16);
    }
    /* No room is a question without an interest. */
    EXPECT(mallctl(name, NULL, NULL, NULL, 0) == 0);
}

static void is_not_to_be_written(const char *name)
{
    size_t value = 0, bytes = sizeof value;
    EXPECT(mallctl(name, NULL, NULL, &value, sizeof value) == EPERM);
    EXPECT(mallctl(name, &value, &bytes, &value, sizeof value) == EPERM);
    EXPECT(mallctl(name, NULL, NULL, NULL, 1) == EPERM);
    EXPECT(by_mib(name, NULL, NULL, &value, sizeof value) == EPERM);
}

static void sets(const char *name)
{
    unsigned char value[16] = {0};
    size_t size = size_of_value(name, value);
    for (size_t wrong = 0; wrong <= 9; wrong++)
        EXPECT(wrong == size || mallctl(name, NULL, NULL, value, wrong) == EINVAL);
    EXPECT(mallctl(name, NULL, NULL, value, size) == 0);
    EXPECT(by_mib(name, NULL, NULL, value, size) == 0);
}

static void is_not_to_be_read(const char *name)
{
    size_t value = 0, bytes = sizeof value;
    EXPECT(mallctl(name, &value, &bytes, NULL, 0) == EPERM);
    EXPECT(mallctl(name, NULL, &bytes, NULL, 0) == EPERM);
    EXPECT(by_mib(name, &value, &bytes, NULL, 0) == EPERM);
}

int main(void)
{
    char name[96], access[16];
    int count = 0;
    unsigned arena = new_arena();
    EXPECT(arena == 1);
    while (scanf("%95s %15s", name, access) == 2) {
        count++;
        say("%s %s", name, access);
        if (strcmp(access, "Reads") == 0) {
            reads(name);
            is_not_to_be_written(name);
        } else if (strcmp(access, "Sets") == 0) {
            reads(name);
            sets(name);
        } else if (strcmp(access, "Takes") == 0) {
            is_not_to_be_read(name);
        } else if (strcmp(access, "Acts") == 0) {
            is_not_to_be_read(name);
            is_not_to_be_written(name);
            int result = act(name);
            EXPECT(result == 0);
        } else if (strcmp(access, "Trades") != 0) {
            return 1;
        }
        /* More components, fewer, others. */
        char other[128];
        snprintf(other, sizeof other, "%s.more", name);
        EXPECT(act(other) == ENOENT);
        snprintf(other, sizeof other, "%sx", name);
        EXPECT(act(other) == ENOENT);
        if (strrchr(name, '.')) {
            snprintf(other, sizeof other, "%.*s", (int)(strrchr(name, '.') - name), name);
            EXPECT(act(other) == ENOENT);
            size_t mib[7], words = 7;
            EXPECT(mallctlnametomib(other, mib, &words) == 0);
            EXPECT(mallctlbymib(mib, words, NULL, NULL, NULL, 0) == ENOENT);
        }
    }
    EXPECT(count > 90);
    return 0;
}
