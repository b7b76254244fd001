# Rust comes from the system: vcpkg has no port of it.
find_program(CARGO cargo REQUIRED)

vcpkg_from_github(
    OUT_SOURCE_PATH SOURCE_PATH
    REPO tinyalloc/tinyalloc
    REF "v${VERSION}"
    SHA512 0 # That of the release's archive: docs/RELEASING.md.
)

# One build for both configurations: a C program does not see how the library was optimized.
vcpkg_execute_build_process(
    COMMAND make all "CARGO=${CARGO}"
    WORKING_DIRECTORY "${SOURCE_PATH}"
    LOGNAME "build-${TARGET_TRIPLET}"
)
foreach(PART IN ITEMS "" "/debug")
    vcpkg_execute_build_process(
        COMMAND make install "CARGO=${CARGO}" "PREFIX=${CURRENT_PACKAGES_DIR}${PART}" "GDBDIR=${CURRENT_PACKAGES_DIR}${PART}/share/gdb/auto-load"
        WORKING_DIRECTORY "${SOURCE_PATH}"
        LOGNAME "install-${TARGET_TRIPLET}"
    )
endforeach()

vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/tinyalloc)
# The file looks for the libraries from where it was.
vcpkg_replace_string("${CURRENT_PACKAGES_DIR}/share/tinyalloc/tinyalloc-config.cmake" "/../.." "/../../lib")
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE
    "${CURRENT_PACKAGES_DIR}/debug/include"
    "${CURRENT_PACKAGES_DIR}/debug/share"
    "${CURRENT_PACKAGES_DIR}/share/gdb"
    "${CURRENT_PACKAGES_DIR}/share/man"
)
if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
    file(GLOB OTHERS "${CURRENT_PACKAGES_DIR}/lib/*.so*" "${CURRENT_PACKAGES_DIR}/debug/lib/*.so*")
else()
    file(GLOB OTHERS "${CURRENT_PACKAGES_DIR}/lib/*.a" "${CURRENT_PACKAGES_DIR}/debug/lib/*.a")
endif()
file(REMOVE ${OTHERS})
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE-MIT" "${SOURCE_PATH}/LICENSE-APACHE")
