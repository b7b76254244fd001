#include "expect.h"

enum { WARM = 200, THREADS = 2000 };

static void *body(void *ignored)
{
    void *block[100];
    for (int i = 0; i < 100; i++) block[i] = malloc((size_t)i * 50);
    for (int i = 0; i < 100; i++) {
        EXPECT(block[i] != NULL);
        fill(block[i], (size_t)i * 50, 1);
    }
    for (int i = 0; i < 100; i++) free(block[i]);
    return ignored;
}

int main(void)
{
    for (int i = 0; i < WARM; i++) run_in_thread(body, NULL);
    size_t resident = resident_bytes(), space = address_space_bytes();
    for (int i = 0; i < THREADS; i++) run_in_thread(body, NULL);
    EXPECT(resident_bytes() <= resident + MIB);
    EXPECT(address_space_bytes() <= space + 32 * MIB);
}
