#ifndef BACKGROUND_H
#define BACKGROUND_H

#include "options.h"
#include <dirent.h>
#include <time.h>

/* Reads a whole small file of /proc. */
UNUSED static bool proc_text(const char *path, char *text, size_t bytes)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    text[read_all(file, text, bytes - 1)] = 0;
    close(file);
    return true;
}

/* The thread of ours, or 0. Threads that end meanwhile are passed over. */
UNUSED static int background_thread(void)
{
    char path[300], name[32];
    int found = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) skip("no /proc");
    for (struct dirent *task; (task = readdir(tasks));) {
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        if (proc_text(path, name, sizeof name) && strcmp(name, "tinyalloc\n") == 0) found = atoi(task->d_name);
    }
    closedir(tasks);
    return found;
}

/* Waits without a call to the allocator. */
UNUSED static bool comes_true(bool (*condition)(void))
{
    for (time_t end = time(NULL) + 30; time(NULL) < end; usleep(20000))
        if (condition()) return true;
    return false;
}

enum { BURST_BLOCKS = 12000, BURST_BYTES = 1000 };

/* Beside so much in use, what a burst leaves behind is not too much: it stays until it has aged. */
UNUSED static void keep_much(void)
{
    enum { KEPT_BLOCKS = 64 * 1024, KEPT_BYTES = 1000 };
    for (int i = 0; i < KEPT_BLOCKS; i++) {
        void *block = malloc(KEPT_BYTES);
        EXPECT(block != NULL);
        memset(block, 1, KEPT_BYTES);
    }
}

UNUSED static void burst(void)
{
    static void *block[BURST_BLOCKS];
    for (int i = 0; i < BURST_BLOCKS; i++) {
        block[i] = malloc(BURST_BYTES);
        EXPECT(block[i] != NULL);
        memset(block[i], 1, BURST_BYTES);
    }
    for (int i = 0; i < BURST_BLOCKS; i++) free(block[i]);
}

#endif
