# Without C++ in the project.
command -v cmake > /dev/null || exit 77
. "$C_TESTS/install/prefix.bash"
LIBDIR=$PREFIX/lib/x86_64-linux-gnu
make_in_checkout install || exit 1
cat > CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.10)
project(consumer C)
find_package(tinyalloc REQUIRED CONFIG)
add_executable(program program.c)
target_link_libraries(program PRIVATE tinyalloc::static)
END
cmake -S . -B build -Dtinyalloc_DIR="$LIBDIR/cmake/tinyalloc" > log 2>&1 && cmake --build build >> log 2>&1 || { cat log; exit 1; }
build/program
