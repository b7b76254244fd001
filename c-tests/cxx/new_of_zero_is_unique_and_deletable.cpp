#include "expect.h"
#include <new>

int main()
{
    void *block[] = {operator new(0), operator new[](0), operator new(0, std::nothrow), operator new(0, std::align_val_t{64}),
                     operator new[](0, std::align_val_t{64}, std::nothrow)};
    for (std::size_t i = 0; i < COUNT_OF(block); i++) {
        EXPECT(block[i] != nullptr);
        for (std::size_t j = 0; j < i; j++) EXPECT(block[i] != block[j]);
    }
    for (void *each : block) operator delete(each);
}
