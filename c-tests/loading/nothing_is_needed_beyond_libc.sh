readelf -d "$LIB_SO" | awk '/NEEDED/ { gsub(/[][]/, "", $NF); print $NF }' > needed
cat needed
! grep -Ev '^(libc\.so\.[0-9]+|ld-linux-[a-z0-9-]+\.so\.[0-9]+|libc\.musl-.*)$' needed
