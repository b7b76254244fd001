command -v lintian > /dev/null || exit 77
. "$C_TESTS/install/debian.bash"
# A first package closes the request for it in Debian; these are not in Debian.
lintian --allow-root --suppress-tags initial-upload-closes-no-bugs ./*.changes > found 2>&1
[ ! -s found ] || { cat found; exit 1; }
