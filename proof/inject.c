/* Runs a program and makes memory calls of it fail: the n-th of them, or all from the n-th on.
 *
 *     inject FIRST LAST SECONDS REPORT PROGRAM [ARGUMENT...]
 *
 * The mmap, munmap, mprotect, mremap and madvise calls of the program, its threads and its children
 * are counted from 1, after the first exec; those from FIRST to LAST return ENOMEM and are not
 * made. A seccomp filter stops just these calls for this tracer, so that all others run at full
 * speed. REPORT gets what was seen:
 *
 *     calls N refused N name CALL by OBJECT end exit|signal|hang N fault ADDRESS in OBJECT
 *
 * With FIRST 0 nothing is refused, and a line "call NAME by OBJECT" for every call comes before
 * that one.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if !defined(__x86_64__)
int main(void) { return 77; }
#else

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { OBJECT_BYTES_MAX = 64, STACK_WORDS = 8, PIDS_MAX = 1 << 22, EXIT_SKIPPED = 77 };

static const struct {
    long number;
    const char *name;
} CALLS[] = {
    {SYS_mmap, "mmap"}, {SYS_munmap, "munmap"}, {SYS_mprotect, "mprotect"}, {SYS_mremap, "mremap"}, {SYS_madvise, "madvise"},
};

static long first, last, calls, refused;
static bool counting;
static const char *refused_name = "-";
static char refused_by[OBJECT_BYTES_MAX] = "-", fault_in[OBJECT_BYTES_MAX] = "-";
static unsigned long fault_address;
static int fatal_signal;
static bool known[PIDS_MAX];
static FILE *report;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void filter_install(void)
{
    struct sock_filter step[COUNT_OF(CALLS) + 3];
    size_t at = 0;
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT_OF(CALLS); i++)
        step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)CALLS[i].number,
                                                  (unsigned char)(COUNT_OF(CALLS) - i), 0);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    struct sock_fprog program = {(unsigned short)at, step};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(EXIT_SKIPPED);
}

/* The same addresses at every run make for the same calls. */
static pid_t start(char **argument, const char *preload)
{
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child > 0) return child;
    personality(ADDR_NO_RANDOMIZE);
    if (preload) setenv("LD_PRELOAD", preload, 1);
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) _exit(EXIT_SKIPPED);
    raise(SIGSTOP);
    filter_install();
    execvp(argument[0], argument);
    _exit(126);
}

/* The base name of what is mapped at an address of the process, "-" if nothing is. */
static void object_at(pid_t pid, unsigned long address, char *name)
{
    char path[64], line[4352];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    snprintf(name, OBJECT_BYTES_MAX, "-");
    FILE *maps = fopen(path, "re");
    if (!maps) return;
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        int at = 0;
        if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &from, &to, &at) < 2 || address < from || address >= to) continue;
        line[strcspn(line, "\n")] = 0;
        const char *base = at ? strrchr(line + at, '/') : NULL;
        snprintf(name, OBJECT_BYTES_MAX, "%.60s", base ? base + 1 : at && line[at] ? line + at : "anonymous");
        for (char *blank = name; (blank = strchr(blank, ' '));) *blank = '_';
        break;
    }
    fclose(maps);
}

/* The library calls through libc's wrappers, which leave the return address among the topmost words
 * of the stack. */
static void name_caller(pid_t pid, const struct user_regs_struct *reg, char *name)
{
    object_at(pid, reg->rip, name);
    if (strncmp(name, "libc", 4) != 0) return;
    for (int i = 0; i < STACK_WORDS; i++) {
        char object[OBJECT_BYTES_MAX];
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, pid, reg->rsp + (unsigned long)i * 8, 0);
        if (errno) return;
        object_at(pid, (unsigned long)word, object);
        if (strncmp(object, "libtinyalloc", 12) == 0) {
            snprintf(name, OBJECT_BYTES_MAX, "%s", object);
            return;
        }
    }
}

static const char *call_name(long number)
{
    for (size_t i = 0; i < COUNT_OF(CALLS); i++)
        if (CALLS[i].number == number) return CALLS[i].name;
    return "?";
}

static void on_listed_call(pid_t pid, const struct user_regs_struct *reg)
{
    char caller[OBJECT_BYTES_MAX];
    name_caller(pid, reg, caller);
    fprintf(report, "call %s by %s\n", call_name((long)reg->orig_rax), caller);
}

static void on_call(pid_t pid)
{
    struct user_regs_struct reg;
    if (!counting) return;
    calls++;
    if (first && (calls < first || calls > last)) return;
    if (ptrace(PTRACE_GETREGS, pid, 0, &reg) != 0) return;
    if (!first) return on_listed_call(pid, &reg);
    if (refused++ == 0) {
        refused_name = call_name((long)reg.orig_rax);
        name_caller(pid, &reg, refused_by);
    }
    reg.orig_rax = (unsigned long)-1;
    reg.rax = (unsigned long)-ENOMEM;
    ptrace(PTRACE_SETREGS, pid, 0, &reg);
}

static bool is_fatal(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE || number == SIGABRT || number == SIGSYS ||
           number == SIGTRAP;
}

static void on_signal(pid_t pid, int number)
{
    siginfo_t info;
    struct user_regs_struct reg;
    if (!is_fatal(number) || ptrace(PTRACE_GETSIGINFO, pid, 0, &info) != 0 || ptrace(PTRACE_GETREGS, pid, 0, &reg) != 0) return;
    fault_address = number == SIGSEGV || number == SIGBUS ? (unsigned long)info.si_addr : 0;
    object_at(pid, reg.rip, fault_in);
}

/* Returns the signal to pass on. */
static int on_stop(pid_t pid, int status)
{
    int number = WSTOPSIG(status), event = status >> 16;
    bool is_new = pid < PIDS_MAX && !known[pid];
    if (pid < PIDS_MAX) known[pid] = true;
    if (event == PTRACE_EVENT_SECCOMP) on_call(pid);
    if (event == PTRACE_EVENT_EXEC) counting = true;
    if (event != 0 || (is_new && number == SIGSTOP)) return 0;
    on_signal(pid, number);
    return number;
}

static void barks(int number) { (void)number; }

/* Follows everything until the program itself ends; returns its status, or -1 when time is up. */
static int follow(pid_t program)
{
    int status = 0, end = -1;
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == ECHILD) return end;
        if (pid < 0) return -1;
        if (WIFSTOPPED(status)) {
            ptrace(PTRACE_CONT, pid, 0, on_stop(pid, status));
            continue;
        }
        if (pid < PIDS_MAX) known[pid] = false;
        if (WIFSIGNALED(status) && is_fatal(WTERMSIG(status))) fatal_signal = WTERMSIG(status);
        if (pid == program) end = status;
    }
}

static void tell(int end)
{
    const char *how = end == -1 ? "hang" : fatal_signal || WIFSIGNALED(end) ? "signal" : "exit";
    int number = end == -1 ? 0 : fatal_signal ? fatal_signal : WIFSIGNALED(end) ? WTERMSIG(end) : WEXITSTATUS(end);
    fprintf(report, "calls %ld refused %ld name %s by %s end %s %d fault %lx in %s\n", calls, refused, refused_name, refused_by, how,
            number, fault_address, fault_in);
    fclose(report);
}

int main(int count, char **argument)
{
    int status = 0;
    if (count < 6) {
        fprintf(stderr, "usage: inject FIRST LAST SECONDS REPORT PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    first = atol(argument[1]);
    last = atol(argument[2]);
    report = fopen(argument[4], "we");
    if (!report) die(argument[4]);
    struct sigaction action = {.sa_handler = barks};
    sigaction(SIGALRM, &action, NULL);
    alarm((unsigned)atoi(argument[3]));
    pid_t program = start(argument + 5, getenv("INJECT_PRELOAD"));
    if (waitpid(program, &status, __WALL) != program || !WIFSTOPPED(status)) return EXIT_SKIPPED;
    known[program] = true;
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
                   PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, program, 0, options) != 0) return EXIT_SKIPPED;
    ptrace(PTRACE_CONT, program, 0, 0);
    tell(follow(program));
    return 0;
}

#endif
