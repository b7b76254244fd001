/* The first function of a stack returns to whatever its maker chose; what lies behind that in the
 * unwind tables says nothing of the stack. */
#include "../options/options.h"
#include <sys/mman.h>

#if !defined __x86_64__
int main(void) { skip("written in x86-64 instructions"); }
#else
enum { STACK_BYTES = 65536 };

extern void finish(void);
__asm__(".text\n"
        ".p2align 4\n"
        "with_a_large_frame: .cfi_startproc\n"
        "sub $5000, %rsp\n"
        ".cfi_adjust_cfa_offset 5000\n"
        "ud2\n"
        ".cfi_endproc\n"
        ".globl finish\n"
        ".type finish, @function\n"
        "finish: mov $0, %edi\n"
        "mov $231, %eax\n"
        "syscall\n"
        ".size finish, .-finish\n");

__attribute__((noinline)) static void body(void)
{
    char *volatile block = malloc(100);
    block[0] = 1;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments == 1) {
        struct run run = run_with("guard=1", "again");
        EXPECT(succeeded(&run) && run.output[0] == 0);
        return 0;
    }
    char *stack = mmap(NULL, 2 * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(stack != MAP_FAILED && mprotect(stack + STACK_BYTES, STACK_BYTES, PROT_NONE) == 0);
    void **top = (void **)(stack + STACK_BYTES);
    top[-1] = (void *)finish;
    __asm__ volatile("mov %0, %%rsp\n jmp *%1" : : "r"(top - 1), "r"(body) : "memory");
}
#endif
