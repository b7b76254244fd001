for function in $(grep -o '\bta_\(thread_\)\?heap[a-z_]*(' "$C_TESTS/../include/tinyalloc.h" | tr -d '(' | sort -u); do
    [ "$(grep -c "\b$function\b" "$C_TESTS/../docs/man/tinyalloc-heaps.3")" -ge 2 ] || { echo "$function is missing"; exit 1; }
done
for flag in $(grep -o '^#define TA_HEAP_[A-Z_]*' "$C_TESTS/../include/tinyalloc.h" | cut -c9-); do
    grep -q "$flag" "$C_TESTS/../docs/man/tinyalloc-heaps.3" || { echo "$flag is missing"; exit 1; }
done
