# What the library imports: no stdio, no dlopen, no environment, no once, no atexit.
nm -D -u "$LIB_SO" | awk '{ sub(/@.*/, "", $NF); print $NF }' > imports
cat imports
! grep -Ex 'malloc|calloc|realloc|free|printf|fprintf|f?puts|fwrite|fopen|getenv|secure_getenv|dlopen|pthread_once|pthread_mutex_(lock|unlock)|atexit|__cxa_atexit|__cxa_thread_atexit_impl|dl_iterate_phdr|_Unwind_.*|getline|syslog|opendir' imports
