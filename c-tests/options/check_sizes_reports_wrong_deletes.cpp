#include "options.h"
#include <memory>
#include <new>
#include <string>
#include <vector>

struct alignas(256) Wide {
    char bytes[700];
};

struct Base {
    char bytes[10];
    virtual ~Base() {}
};
struct Derived : Base {
    char more[3000];
};

static void delete_rightly()
{
    std::vector<std::string> words;
    for (int i = 0; i < 3000; i++) words.push_back(std::string((size_t)i, 'x'));
    std::unique_ptr<Base> derived(new Derived);
    auto wide = std::make_unique<Wide>();
    std::unique_ptr<Wide[]> many(new Wide[7]);
    for (size_t bytes = 0; bytes < 100000; bytes += bytes / 20 + 1) {
        operator delete(operator new(bytes), bytes);
        operator delete[](operator new[](bytes), bytes);
        operator delete(operator new(bytes, std::align_val_t{128}), bytes, std::align_val_t{128});
        operator delete[](operator new[](bytes, std::align_val_t{4096}), bytes, std::align_val_t{4096});
    }
}

static int delete_wrongly()
{
    operator delete(operator new(100), std::size_t{200});
    operator delete[](operator new[](100), std::size_t{60});
    operator delete(operator new(100, std::align_val_t{256}), std::size_t{1000}, std::align_val_t{256});
    operator delete[](operator new[](100, std::align_val_t{256}), std::size_t{1}, std::align_val_t{512 * 1024});
    return 0;
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (arguments > 1 && argument[1][0] == 'w') return delete_wrongly();
    delete_rightly();
    if (arguments > 1) return 0;
    struct run run = run_with("check_sizes=on", "rightly");
    EXPECT(succeeded(&run) && run.output[0] == 0);
    run = run_with("check_sizes=on,on_error=report", "wrongly");
    EXPECT(succeeded(&run));
    int mismatches = 0;
    for (char *line = run.output; (line = strstr(line, "tinyalloc: size mismatch: 0x")); line++) mismatches++;
    EXPECT(mismatches == 4);
}
