/* A fork that stalls behind the allocator's handler: it waits for the list of files, which a thread
 * holds that flushes all of them, which waits for a file that the caller has locked. (As in glibc's
 * BZ #19431, but for as long as a test needs.) */
#ifndef STALLED_FORK_H
#define STALLED_FORK_H

#include "expect.h"

enum { ARRIVES_MICROSECONDS = 100000 };

static FILE *stalling_file;
static pthread_t flushing_thread, forking_thread;

static void *flush_everything(void *ignored)
{
    fflush(NULL);
    return ignored;
}

static void *fork_and_wait(void *ignored)
{
    free(malloc(10));
    pid_t child = fork();
    if (child == 0) _exit(0);
    int status;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    return ignored;
}

UNUSED static void begin_stalled_fork(void)
{
    stalling_file = fopen("/dev/null", "w");
    EXPECT(stalling_file != NULL);
    fputc('x', stalling_file);
    flockfile(stalling_file);
    EXPECT(pthread_create(&flushing_thread, NULL, flush_everything, NULL) == 0);
    usleep(ARRIVES_MICROSECONDS);
    EXPECT(pthread_create(&forking_thread, NULL, fork_and_wait, NULL) == 0);
    usleep(ARRIVES_MICROSECONDS);
}

UNUSED static void end_stalled_fork(void)
{
    funlockfile(stalling_file);
    EXPECT(pthread_join(flushing_thread, NULL) == 0 && pthread_join(forking_thread, NULL) == 0);
    fclose(stalling_file);
}

#endif
