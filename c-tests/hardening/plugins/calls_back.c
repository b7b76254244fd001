/* Its constructor runs while the thread that opens it holds the loader's lock. */
extern void while_loading(void);

__attribute__((constructor)) static void start(void) { while_loading(); }
