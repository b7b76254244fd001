// plugin: library.c
/* A dump has the build-id of every file that is mapped, as it was when it was mapped, whatever
 * became of the file. And nothing that is mapped, or goes away meanwhile, ends the process. */
#include "profile.h"

#include <elf.h>
#include <link.h>

enum { NOTE_BYTES = sizeof(ElfW(Nhdr)) + 4, DUMPS = 10, PAGES = 16 };

static struct dump dump;
static int found;
static volatile bool ended;

static bool says(const char *text, uintptr_t start, const unsigned char *id, size_t bytes)
{
    char line[200];
    int length = snprintf(line, sizeof line, "\n{\"module\":{\"start\":%ju,\"build_id\":\"", (uintmax_t)start);
    for (size_t at = 0; at < bytes; at++) length += snprintf(line + length, sizeof line - (size_t)length, "%02x", id[at]);
    snprintf(line + length, sizeof line - (size_t)length, "\"}}\n");
    if (!strstr(text, line)) say("there is no %s", line);
    return strstr(text, line) != NULL;
}

/* The loader knows where everything is. */
static int check(struct dl_phdr_info *object, size_t size, void *text)
{
    uintptr_t start = UINTPTR_MAX;
    for (int at = 0; at < object->dlpi_phnum; at++)
        if (object->dlpi_phdr[at].p_type == PT_LOAD && object->dlpi_phdr[at].p_offset == 0) start = object->dlpi_addr + object->dlpi_phdr[at].p_vaddr;
    for (int at = 0; at < object->dlpi_phnum; at++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[at];
        const char *note = (const char *)object->dlpi_addr + segment->p_vaddr, *end = note + segment->p_memsz;
        while (segment->p_type == PT_NOTE && note + NOTE_BYTES <= end) {
            const ElfW(Nhdr) *header = (const ElfW(Nhdr) *)note;
            const unsigned char *id = (const unsigned char *)note + NOTE_BYTES;
            if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 && memcmp(id - 4, "GNU", 4) == 0) {
                EXPECT(says(text, start, id, header->n_descsz));
                found++;
            }
            note += sizeof *header + ((header->n_namesz + 3u) & ~3u) + ((header->n_descsz + 3u) & ~3u);
        }
    }
    (void)size;
    return 0;
}

/* Libraries come and go, each under another name. */
static void *load_and_unload(void *plugin)
{
    while (!ended) {
        void *library = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
        EXPECT(library != NULL);
        dlclose(library);
    }
    return NULL;
}

/* What looks like a program and is none, as it is in tools that map files. */
static void map_file(const ElfW(Ehdr) *header, const char *note, off_t bytes)
{
    char name[] = "mapped-XXXXXX";
    int file = mkstemp(name);
    EXPECT(file >= 0 && ftruncate(file, (off_t)PAGES * 4096) == 0);
    EXPECT(pwrite(file, header, sizeof *header, 0) == sizeof *header);
    EXPECT(pwrite(file, note, 64, 4096 - 64) == 64);
    EXPECT(mmap(NULL, (size_t)PAGES * 4096, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED);
    EXPECT(ftruncate(file, bytes) == 0);
    EXPECT(unlink(name) == 0 && close(file) == 0);
}

static void map_oddities(void)
{
    char note[64] = {0};
    ElfW(Ehdr) header = {.e_ident = ELFMAG "\2", .e_phoff = UINT64_MAX / 2, .e_phnum = UINT16_MAX};
    map_file(&header, note, (off_t)PAGES * 4096);
    header.e_phoff = 0;
    map_file(&header, note, (off_t)PAGES * 4096);
    map_file(&header, note, 4096);
    /* Reading it ends a process that does so itself. */
    map_file(&header, note, 0);
    EXPECT(mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void copy(const char *from, const char *to)
{
    char command[2 * PATH_MAX];
    snprintf(command, sizeof command, "env -u LD_PRELOAD cp %s %s", from, to);
    EXPECT(system(command) == 0);
}

int main(int count, char **argument)
{
    pthread_t thread;
    char replaced[] = "./replaced.so";
    require_tinyalloc();
    watchdog(50);
    EXPECT(count == 2 && option_set("profile", "64K") == 0);
    copy(argument[1], replaced);
    copy(argument[1], "other.so");
    EXPECT(dlopen(replaced, RTLD_NOW | RTLD_LOCAL) != NULL);
    /* Now there is another file of that name; and after that, none. */
    EXPECT(rename("other.so", replaced) == 0);
    dl_iterate_phdr(check, (void *)dump_now(&dump));
    EXPECT(found >= 2 && unlink(replaced) == 0);
    map_oddities();
    dl_iterate_phdr(check, (void *)dump_now(&dump));
    EXPECT(pthread_create(&thread, NULL, load_and_unload, argument[1]) == 0);
    for (int times = 0; times < DUMPS; times++) EXPECT(strstr(dump_now(&dump), "\"module\"") != NULL);
    ended = true;
    EXPECT(pthread_join(thread, NULL) == 0);
    return 0;
}
