#include "expect.h"

int main(void) { EXPECT(malloc_usable_size(NULL) == 0); }
