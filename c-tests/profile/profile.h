/* Heap profiles: dumps, and what is read out of them. */
#ifndef PROFILE_H
#define PROFILE_H

#include "../options/options.h"

enum { DUMP_BYTES_MAX = 8 << 20 };

struct dump {
    char text[DUMP_BYTES_MAX];
};

UNUSED static const char *dump_read(struct dump *dump, int file)
{
    EXPECT(lseek(file, 0, SEEK_SET) == 0);
    dump->text[read_all(file, dump->text, sizeof dump->text - 1)] = 0;
    return dump->text;
}

/* Writes a dump of this process, by the function under test. */
UNUSED static const char *dump_now(struct dump *dump)
{
    int (*write_dump)(int) = (int (*)(int))need("ta_profile_dump_fd");
    char name[] = "profile-XXXXXX";
    int file = mkstemp(name);
    EXPECT(file >= 0 && unlink(name) == 0);
    EXPECT(write_dump(file) == 0);
    dump_read(dump, file);
    close(file);
    return dump->text;
}

UNUSED static double number_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    EXPECT(at != NULL);
    return strtod(at + strlen(key), NULL);
}

/* Estimated bytes of the sites with a caller between two addresses: live, peak or total ones. */
UNUSED static double bytes_of(const char *text, const char *kind, uintptr_t start, uintptr_t end)
{
    double sum = 0;
    char key[32];
    snprintf(key, sizeof key, "\"%s\":{", kind);
    for (const char *line = text; (line = strstr(line, "{\"site\":{\"callers\":[")); line++) {
        const char *numbers = line + strlen("{\"site\":{\"callers\":[");
        bool is_one = false;
        while (*numbers >= '0' && *numbers <= '9') {
            char *after;
            uintptr_t caller = strtoull(numbers, &after, 10);
            is_one |= caller > start && caller <= end;
            numbers = *after == ',' ? after + 1 : after;
        }
        if (is_one) sum += number_after(strstr(line, key), "\"bytes\":");
    }
    return sum;
}

#endif
