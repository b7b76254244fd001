# AT_SECURE: LD_PRELOAD is dropped by the dynamic linker; a preloaded library must not break sudo, su or passwd.
command -v su > /dev/null || exit 77
LD_PRELOAD="$LIB_SO" su --version > /dev/null
