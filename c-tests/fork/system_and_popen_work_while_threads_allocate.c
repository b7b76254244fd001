#include "expect.h"

static volatile bool stop;

static void *busy(void *ignored)
{
    for (unsigned i = 0; !stop; i++) free(malloc(i * 61 % 50000));
    return ignored;
}

int main(void)
{
    char line[64];
    watchdog(50);
    pthread_t thread = start(busy, NULL);
    for (int round = 0; round < 50; round++) {
        EXPECT(system("exit 0") == 0);
        FILE *stream = popen("echo heard", "r");
        EXPECT(stream != NULL);
        EXPECT(fgets(line, sizeof line, stream) != NULL);
        EXPECT(strcmp(line, "heard\n") == 0);
        EXPECT(pclose(stream) == 0);
    }
    stop = true;
    join(thread);
}
