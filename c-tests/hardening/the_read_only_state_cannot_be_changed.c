/* The secret of all slot signatures is in the read-only state. A program that reads a freed block
 * knows it, and so does this test. */
#include "../options/options.h"
#include <sys/syscall.h>

enum { SYS_SEAL = 462, PAGE_BYTES = 4096 };

static char maps[1 << 18];

static uintptr_t secret_of_signatures(void)
{
    volatile uintptr_t *block = malloc(64);
    EXPECT(block != NULL);
    free((void *)block);
    return block[0] + block[1] + (uintptr_t)block;
}

static void read_maps(void)
{
    int file = open("/proc/self/maps", O_RDONLY);
    EXPECT(file >= 0);
    maps[read_all(file, maps, sizeof maps - 1)] = 0;
    close(file);
}

/* Whether the word lies on the page. The copy is on the stack, where no thread looks for it; what
 * traps cannot be read. */
static bool page_holds(int memory, uintptr_t page, uintptr_t word)
{
    uintptr_t words[PAGE_BYTES / sizeof word];
    if (pread(memory, words, sizeof words, (off_t)page) != sizeof words) return false;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i] == word) return true;
    return false;
}

/* The page on which the word lies. It lies on no page that can be written, stacks aside. */
static void *read_only_page(uintptr_t word)
{
    uintptr_t found = 0;
    int memory = open("/proc/self/mem", O_RDONLY);
    EXPECT(memory >= 0);
    read_maps();
    for (char *line = maps; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        uintptr_t start, end;
        char rights[5];
        EXPECT(sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3);
        const char *name = memchr(line, '[', strcspn(line, "\n"));
        if (rights[0] != 'r' || rights[3] != 'p' || (name && strncmp(name, "[stack", 6) == 0)) continue;
        for (uintptr_t page = start; page < end; page += PAGE_BYTES) {
            if (!page_holds(memory, page, word)) continue;
            EXPECT(rights[1] == '-' && found == 0);
            found = page;
        }
    }
    close(memory);
    EXPECT(found != 0);
    return (void *)found;
}

static bool kernel_seals(void)
{
    void *page = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && syscall(SYS_SEAL, page, PAGE_BYTES, 0UL) == 0;
}

static void write_it(void *at) { *(volatile char *)at = 1; }

static bool is_refused(int result) { return result == -1 && errno == EPERM; }

static void expect_sealed(void *page)
{
    EXPECT(is_refused(mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE)));
    EXPECT(is_refused(munmap(page, PAGE_BYTES)));
    EXPECT(mmap(page, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EPERM);
    void *other = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(mremap(page, PAGE_BYTES, PAGE_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, other) == MAP_FAILED && errno == EPERM);
}

static void use_the_heap(void)
{
    for (size_t bytes = 1; bytes < 64 * MIB; bytes *= 3) free(hidden(malloc(bytes)));
}

static int with_mseal(void)
{
    void *page = read_only_page(secret_of_signatures());
    EXPECT(option_is("sealed", "on") && option_set("sealed", "off") == -1 && errno == EBUSY);
    expect_trap(write_it, page);
    if (kernel_seals()) expect_sealed(page);
    use_the_heap();
    pid_t child = fork();
    if (child == 0) {
        use_the_heap();
        expect_trap(write_it, page);
        if (kernel_seals()) expect_sealed(page);
        _exit(0);
    }
    int status;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}

static int without_mseal(void)
{
    void *page = read_only_page(secret_of_signatures());
    EXPECT(option_is("sealed", "off"));
    expect_trap(write_it, page);
    EXPECT(mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE) == 0);
    write_it((char *)page + PAGE_BYTES - 1);
    return 0;
}

static int with_checks(void)
{
    char *block = malloc(24);
    EXPECT(option_is("zero_on_free", "on"));
    expect_trap(write_it, read_only_page(secret_of_signatures()));
    memset(block, 0xa5, 24);
    free(block);
    EXPECT(is_zero((unsigned char *)hidden(block) + 16, 8));
    return 0;
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (sysconf(_SC_PAGESIZE) != PAGE_BYTES) skip("on larger pages there is other data as well: they stay writable");
    if (arguments > 1)
        return strcmp(argument[1], "sealed") == 0 ? with_mseal() : strcmp(argument[1], "writable") == 0 ? without_mseal() : with_checks();
    void *page = read_only_page(secret_of_signatures());
    EXPECT(option_is("sealed", "off") && option_set("sealed", "on") == -1 && errno == EBUSY);
    expect_trap(write_it, page);
    use_the_heap();
    pid_t child = fork();
    if (child == 0) {
        use_the_heap();
        expect_trap(write_it, page);
        _exit(0);
    }
    int status;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    struct run run = run_with("sealed=on", "sealed");
    EXPECT(succeeded(&run));
    run = run_with("sealed=off", "writable");
    EXPECT(succeeded(&run));
    run = run_with("zero_on_free=on", "checks");
    EXPECT(succeeded(&run));
}
