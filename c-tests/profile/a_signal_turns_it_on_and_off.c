/* The signal of profile_toggle_signal begins sampling in a process without a profile, and ends it,
 * also where it interrupts the allocator again and again. */
#include "profile.h"

#include <signal.h>
#include <sys/time.h>

static volatile sig_atomic_t done;

static double samples(struct dump *dump)
{
    double samples = 0;
    const char *text = dump_now(dump), *line = strstr(text, "\"total\":{\"samples\":");
    for (; line != NULL; line = strstr(line + 1, "\"total\":{\"samples\":")) samples += number_after(line, "\"samples\":");
    return samples;
}

static void churn(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        char *volatile block = malloc(100 + (size_t)i % 30000);
        block[0] = 1;
        free((void *)block);
    }
}

/* A thread follows when no free slot is ready. */
static void follow(void)
{
    static void *keep[5000];
    for (int i = 0; i < 5000; i++) keep[i] = malloc(48);
    for (int i = 0; i < 5000; i++) free(keep[i]);
}

static int work(void)
{
    static struct dump dump;
    churn(2000);
    EXPECT(samples(&dump) == 0 && option_is("profile", "off"));
    raise(SIGUSR2);
    follow();
    churn(20000);
    double sampled = samples(&dump);
    EXPECT(option_is("profile", "524288") && sampled > 200 && sampled < 1500);
    EXPECT(option_set("profile", "64K") == 0);
    raise(SIGUSR2);
    EXPECT(option_is("profile", "off"));
    sampled = samples(&dump);
    churn(20000);
    /* What was marked before is sampled no more. */
    EXPECT(samples(&dump) == sampled);
    raise(SIGUSR2);
    EXPECT(option_is("profile", "65536"));
    follow();
    churn(20000);
    EXPECT(samples(&dump) > sampled);
    return 0;
}

static void count(int signal)
{
    (void)signal;
    done++;
    raise(SIGUSR2);
}

/* Interrupted all the time; the last of an even number of signals turns it off, if none is lost. */
static int interrupted(void)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
    EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
    struct itimerval timer = {.it_interval = {.tv_usec = 500}, .it_value = {.tv_usec = 500}};
    EXPECT(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    while (done < 1000) churn(1000);
    timer = (struct itimerval){0};
    EXPECT(setitimer(ITIMER_REAL, &timer, NULL) == 0);
    churn(1000);
    bool was_on = option_is("profile", "524288");
    EXPECT(was_on || option_is("profile", "off"));
    raise(SIGUSR2);
    EXPECT(option_is("profile", was_on ? "off" : "524288"));
    return 0;
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (arguments > 1) return strcmp(argument[1], "work") == 0 ? work() : interrupted();
    struct run run = run_with("profile_toggle_signal=USR2", "work");
    EXPECT(succeeded(&run));
    run = run_with("profile_toggle_signal=USR2,profile_at_exit=off", "interrupted");
    EXPECT(succeeded(&run));
    run = run_with("profile_toggle_signal=USR2,hardened=on", "work");
    EXPECT(strstr(run.output, "tinyalloc: the heap profile stays off: ") != NULL);
}
