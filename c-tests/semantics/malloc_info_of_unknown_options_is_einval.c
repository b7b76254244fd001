#include "expect.h"

int main(void) { EXPECT(malloc_info(1, stderr) == EINVAL); }
