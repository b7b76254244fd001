# What the library imports: no stdio (but for the stream malloc_info is given), no environment, no once, no atexit.
# dlsym finds the C++ library when std::bad_alloc is to be thrown, and the next dlopen when ours is called.
nm -D -u "$LIB_SO" | awk '{ sub(/@.*/, "", $NF); print $NF }' > imports
cat imports
! grep -Ex 'malloc|calloc|realloc|free|printf|fprintf|f?puts|fopen|getenv|secure_getenv|pthread_once|pthread_mutex_(lock|unlock)|atexit|__cxa_atexit|__cxa_thread_atexit_impl|dl_iterate_phdr|_Unwind_(Backtrace|Find.*|Resume.*)|getline|syslog|opendir' imports
