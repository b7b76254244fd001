readelf -lW "$LIB_SO" > segments
! grep -E 'RWE|GNU_STACK.*E ' segments
