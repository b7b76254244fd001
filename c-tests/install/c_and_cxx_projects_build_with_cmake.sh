command -v cmake > /dev/null || exit 77
. "$C_TESTS/install/prefix.bash"
make_in_checkout install || exit 1
# The prefix may be moved.
mv root moved
cat > CMakeLists.txt << 'END'
cmake_minimum_required(VERSION 3.10)
project(consumer C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(tinyalloc 0.1 REQUIRED)
foreach(kind shared static)
    add_executable(c_${kind} program.c)
    target_link_libraries(c_${kind} tinyalloc::${kind})
    add_executable(cxx_${kind} program.cpp)
    target_link_libraries(cxx_${kind} tinyalloc::${kind})
endforeach()
END
cmake -S . -B build -DCMAKE_PREFIX_PATH="$PWD/moved" -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" > log 2>&1 &&
    cmake --build build >> log 2>&1 || { cat log; exit 1; }
for program in c_shared c_static cxx_shared cxx_static; do build/$program || exit 1; done
readelf -d build/c_shared build/cxx_shared | grep -c 'NEEDED.*libtinyalloc.so.0' | grep -qx 2 || exit 1
! readelf -d build/c_static build/cxx_static | grep tinyalloc || exit 1
# Another minor version is another interface, before 1.0.
sed -i 's/tinyalloc 0.1 REQUIRED/tinyalloc 0.2 REQUIRED/' CMakeLists.txt
! cmake -S . -B build2 -DCMAKE_PREFIX_PATH="$PWD/moved" > log 2>&1
