cat > program.c << 'END'
#include <stddef.h>
#include <stdlib.h>
int ta_stats(void *, size_t);
int main(void) { size_t allocated = 0; free(malloc(100)); return ta_stats(&allocated, sizeof allocated); }
END
ln -sf "$LIB_SO" libtinyalloc.so
ln -sf "$LIB_SO" libtinyalloc.so.0
$CC program.c -L. -ltinyalloc -Wl,-rpath,"$PWD" -o program && ./program
