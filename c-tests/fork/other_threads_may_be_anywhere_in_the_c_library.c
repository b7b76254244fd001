// Forks while other threads are inside stdio (one in fflush(NULL), which holds the list of files
// and waits for each, others in getline, which hold a file and allocate), the name service, the
// dynamic linker, locales and popen. Between its handlers, fork waits for locks of the C library,
// whose holders wait for memory: glibc's BZ #19431. Every child allocates, and frees what its
// parent allocated.
#include "c_library.h"
#include "expect.h"

#include <locale.h>
#include <netdb.h>
#include <time.h>

enum { READERS = 3, LINE_BYTES = 50000, SECONDS = 4 };

static volatile bool over;

static void *reads_long_lines(void *file)
{
    while (!over) {
        char *line = NULL;
        size_t bytes = 0;
        rewind((FILE *)file);
        EXPECT(getline(&line, &bytes, (FILE *)file) == LINE_BYTES + 1);
        EXPECT(line[0] == 'x' && line[LINE_BYTES - 1] == 'x');
        free(line);
    }
    return NULL;
}

static void *flushes_everything(void *nothing)
{
    for (; !over; usleep(50)) fflush(NULL);
    return nothing;
}

static void *looks_names_up(void *nothing)
{
    for (; !over; usleep(50)) {
        struct addrinfo *found = NULL;
        if (getaddrinfo("127.0.0.1", "80", NULL, &found) == 0) freeaddrinfo(found);
        getservbyname("http", "tcp");
    }
    return nothing;
}

static void *opens_libraries(void *nothing)
{
    for (; !over; usleep(50)) {
        void *library = dlopen("libresolv.so.2", RTLD_NOW);
        if (library) dlclose(library);
        dlerror();
    }
    return nothing;
}

static void *makes_locales(void *nothing)
{
    for (; !over; usleep(50)) {
        locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
        if (locale) freelocale(locale);
    }
    return nothing;
}

static void *runs_commands(void *nothing)
{
    for (; !over; usleep(2000)) {
        FILE *command = popen(":", "r");
        if (command) pclose(command);
    }
    return nothing;
}

static FILE *file_of_a_long_line(void)
{
    FILE *file = tmpfile();
    EXPECT(file != NULL);
    for (int i = 0; i < LINE_BYTES; i++) fputc('x', file);
    fputc('\n', file);
    EXPECT(fflush(file) == 0);
    return file;
}

static void live_as_a_child(void *const *of_the_parent, size_t count)
{
    alarm(20 * patience());
    for (size_t i = 0; i < count; i++) free(of_the_parent[i]);
    for (size_t bytes = 16; bytes < 4 * MIB; bytes *= 3) {
        void *block = malloc(bytes);
        EXPECT(block != NULL);
        fill(block, bytes, 1);
        EXPECT(is_filled(block, bytes, 1));
        free(block);
    }
    _exit(0);
}

int main(void)
{
    static void *block[200];
    void *(*const bodies[])(void *) = {flushes_everything, looks_names_up, opens_libraries, makes_locales, runs_commands};
    // The last one is left out with glibc 2.44, whose fork takes the lock of popen's files before
    // that of the list. fflush(NULL) holds the list while it waits for a file, which pclose holds,
    // and pclose waits for the lock of popen's files.
    const size_t threads = READERS + COUNT_OF(bodies) - is_glibc_since(44);
    pthread_t thread[READERS + COUNT_OF(bodies)];
    watchdog(50);
    for (size_t i = 0; i < COUNT_OF(block); i++) block[i] = malloc(i * 700);
    for (size_t i = 0; i < threads; i++)
        thread[i] = i < READERS ? start(reads_long_lines, file_of_a_long_line()) : start(bodies[i - READERS], NULL);
    for (time_t end = time(NULL) + SECONDS * (time_t)patience(); time(NULL) < end;) {
        pid_t child = fork();
        if (child == 0) live_as_a_child(block, COUNT_OF(block));
        expect_child_exits_0(child);
    }
    over = true;
    for (size_t i = 0; i < threads; i++) join(thread[i]);
    for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
    return 0;
}
