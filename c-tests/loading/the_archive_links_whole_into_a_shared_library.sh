cat > plugin.c << 'END'
#include <stdlib.h>
void *plugin_allocate(size_t bytes) { return malloc(bytes); }
END
cat > program.c << 'END'
#include <stdlib.h>
void *plugin_allocate(size_t);
int main(void) { void *block = plugin_allocate(100); block = realloc(block, 5000); free(block); return block == NULL; }
END
$CC -shared -fPIC plugin.c -Wl,--whole-archive "$LIB_A" -Wl,--no-whole-archive -lpthread -ldl -o libplugin.so &&
    $CC program.c ./libplugin.so -Wl,-rpath,'$ORIGIN' -o program && ./program
