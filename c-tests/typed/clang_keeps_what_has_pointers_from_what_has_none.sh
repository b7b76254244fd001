# A freed object with a function pointer is used after its memory was written by an attacker, in C and C++, with both calls.
. "$C_TESTS/typed/clang.bash"
cat > confusion.c << 'END'
#include <stdlib.h>
#include <string.h>
struct handler { void (*call)(void); char name[40]; };
struct bytes { char text[sizeof(struct handler)]; };
static int attacked;
static void greet(void) {}
static void attack(void) { attacked = 1; }
int main(void)
{
    struct handler *stale = malloc(sizeof(struct handler));
    stale->call = greet;
    free(stale);
    for (int i = 0; i < 2000 && !attacked; i++) {
        struct bytes *buffer = malloc(sizeof(struct bytes));
        void (*wanted)(void) = attack;
        memcpy(buffer->text, &wanted, sizeof wanted);
        void (*volatile found)(void) = *(void (*volatile *)(void))stale;
        if (found == attack) found();
    }
    return attacked;
}
END
cat > confusion.cpp << 'END'
#include <cstring>
struct handler { virtual void call() {} virtual ~handler() {} char name[40]; };
struct bytes { char text[sizeof(handler)]; };
int main()
{
    handler *stale = new handler;
    delete stale;
    long wanted = 0x4141414141414141;
    for (int i = 0; i < 2000; i++) {
        bytes *buffer = new bytes[1];
        std::memcpy(buffer->text, &wanted, sizeof wanted);
        if (*(volatile long *)stale == wanted) return 1;
    }
}
END
expect() {
    TINYALLOC_OPTIONS=$2 "./$1"
    local found=$?
    [ $found -eq "$3" ] && return
    echo "$1 with \"$2\": exit status $found, not $3"
    exit 1
}
for source in confusion.c confusion.cpp; do
    build plain $source -O0
    expect plain "" 1
    expect plain partitions=2 0
    expect plain partitions=8,hardened=on 0
    build bounded $source -falloc-token-max=512 -O0
    expect bounded "" 1
    expect bounded partitions=4,tokens=512 0
    build fast $source -falloc-token-max=2 -fsanitize-alloc-token-fast-abi -O0
    expect fast "" 1
    expect fast partitions=2 0
done
