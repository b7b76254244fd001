"""gdb: a crash in batch mode, a whole interactive session, and programs that are themselves preloaded."""

import re
import subprocess

from harness.catalogue import program
from harness.failure import Failure

CRASH = """
#include <stdlib.h>
#include <string.h>
struct node { struct node *next; char name[40]; int value; };
static struct node *push(struct node *list, int value) {
    struct node *node = malloc(sizeof *node);
    node->next = list; node->value = value; strcpy(node->name, "node");
    return node;
}
static int crash(struct node *list, int *target) { *target = list->value; return *target; }
int main(void) {
    struct node *list = NULL;
    for (int i = 0; i < 1000; i++) list = push(list, i);
    return crash(list, NULL);
}
"""

STEPS = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int compute(int n) {
    char *text = malloc(64);
    int sum = 0;
    for (int i = 1; i <= n; i++)
        sum += i;
    snprintf(text, 64, "sum %d", sum);
    puts(text);
    free(text);
    return sum;
}
static void *worker(void *argument) {
    for (int i = 0; i < 1000; i++) free(malloc(i));
    return argument;
}
int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, worker, NULL);
    pthread_join(thread, NULL);
    int first = compute(10);
    int second = compute(100);
    return first + second == 5105 ? 0 : 1;
}
"""

WAITING = """
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
volatile int go;
int main(void) {
    char *kept = malloc(100);
    puts("ready");
    fflush(stdout);
    for (int i = 0; i < 3000 && !go; i++) { free(malloc(i)); usleep(10000); }
    free(kept);
    return go ? 7 : 1;
}
"""

GDB = ("gdb", "-q", "-nx")


def build(session, name, text):
    session.write(f"{name}.c", text)
    session.helper("cc", "-g", "-O0", "-pthread", "-o", name, f"{name}.c")
    return name


def without_addresses(output):
    """Where things lie, and what the library itself is, may differ."""
    rows = [row for row in output.splitlines() if not row.startswith(("[Thread", "[New", "[Inferior", "warning:"))]
    return re.sub(r"0x[0-9a-f]+", "0x…", "\n".join(rows))


@program("gdb-batch", needs=("gdb", "cc"), version=("gdb", "--version"))
def gdb_batch(session):
    """a crash: run, backtrace, locals, a walk through its data, a call of malloc"""
    crash = build(session, "crash", CRASH)
    commands = ("run", "bt full", "up", "print list->value", "print *list->next", "ptype struct node", "info signals SIGSEGV",
                "call (long)malloc(3000) != 0", "print (char*)strdup(\"from gdb\")", "disassemble crash", "info sharedlibrary /libc[.]so")
    words = [word for command in commands for word in ("-ex", command)]
    session.run(*GDB, "-batch", *words, f"./{crash}", clean=without_addresses)


def talk(session, debugger, start):
    """A person's session on `steps`: break, run, look, step, continue, quit."""
    prompt = r"\(gdb\) "
    debugger.expect(prompt)
    for line in start:
        debugger.ask(line, prompt)
    session.keep("break", debugger.ask("break compute", r"(Breakpoint 1) at .*?" + prompt).group(1))
    session.keep("run", debugger.ask("run", r"Breakpoint 1, (compute \(n=10\))").group(1))
    debugger.expect(prompt)
    session.keep("bt", re.sub(r"0x[0-9a-f]+", "0x…", debugger.ask("bt", r"(#0 .*?)\n" + prompt).group(1)))
    for line, pattern in (("next", r"(int sum = 0)"), ("next", r"(for \(int i)"), ("print n * 2", r"(\$\d+ = 20)"),
                          ("print text != 0", r"(\$\d+ = 1)"), ("step", r"(sum \+= i)"), ("info locals", r"(sum = 0)"),
                          ("up", r"(first = compute\(10\))"), ("tbreak puts", r"(Temporary breakpoint 2)"),
                          ("continue", r"(Temporary breakpoint 2, .*?puts)"), ("finish", r"(Run till exit)"),
                          ("continue", r"(Breakpoint 1, compute \(n=100\))"), ("watch sum", r"(atchpoint 3: sum)"),
                          ("print (int)strlen(\"four\")", r"(= 4)"), ("info threads", r'\* 1 .*?\) ("steps" compute)'),
                          ("delete", r"(Delete all breakpoints)")):
        session.keep(line, re.sub(r"0x[0-9a-f]+", "0x…", debugger.ask(line, pattern).group(1)))
        if line != "delete":
            debugger.expect(prompt)
    debugger.ask("y", prompt)
    debugger.type("info sharedl\t")
    debugger.expect(r"info sharedlibrary ")
    listing = debugger.ask("", r"From.*?" + prompt).group()
    session.keep("continue", debugger.ask("continue", r"(exited normally)").group(1))
    debugger.expect(prompt)
    debugger.ask("run", prompt)
    debugger.send("quit")
    return listing


@program("gdb-session", needs=("gdb", "cc"), version=("gdb", "--version"))
def gdb_session(session):
    """a whole interactive session: break, run, bt, step, print, watch, finish, complete, continue, quit"""
    steps = build(session, "steps", STEPS)
    with session.terminal(*GDB, f"./{steps}") as debugger:
        talk(session, debugger, ("set pagination off", "set width 0"))


@program("gdb-preloaded", needs=("gdb", "cc"), version=("gdb", "--version"))
def gdb_preloaded(session):
    """plain gdb on a preloaded program: by set environment, by exec-wrapper, by attaching"""
    steps = build(session, "steps", STEPS)
    lines = ("set pagination off", "set width 0")
    for way in ("set environment LD_PRELOAD {}", "set exec-wrapper env LD_PRELOAD={}"):
        preload = (way.format(session.library),) if session.library else ()
        with session.terminal(*GDB, f"./{steps}", preload=False) as debugger:
            listing = talk(session, debugger, lines + preload)
        require_listed(session, listing)
    attach(session)


def require_listed(session, listing):
    if session.library and str(session.library) not in listing:
        raise Failure(f"{session.library} was not loaded in the program under gdb:\n{listing}")


def attach(session):
    waiting = build(session, "waiting", WAITING)
    launch = session.start(f"./{waiting}", stdout=subprocess.PIPE)
    try:
        launch.process.stdout.readline()
        pid = launch.program_pid()
        session.require_mapped(pid)
        session.run(*GDB, "-batch", "-p", pid, "-ex", "bt -1", "-ex", "call (long)malloc(70000) != 0", "-ex", "set var go = 1",
                    "-ex", "detach", preload=False, keep=False)
        session.keep("attached", str(launch.ended().code))
    finally:
        launch.end()
        launch.process.stdout.close()
