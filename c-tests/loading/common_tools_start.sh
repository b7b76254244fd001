# The shortest programs there are, each with the library preloaded, output unchanged.
for tool in "echo text" "ls -la /usr" "env -i /bin/echo bare" "sort /etc/passwd" "grep -c root /etc/passwd" "sed -n 1,5p /etc/passwd" \
    "awk {print} /etc/passwd" "date -u -d @0" "od -c /etc/hostname" "find /etc -maxdepth 1" "sh -c 'true; (exit 3); echo \$?'"; do
    eval "$tool" > plain 2> /dev/null
    plain=$?
    eval "LD_PRELOAD=\"$LIB_SO\" $tool" > ours 2> errors
    ours=$?
    if [ "$plain" != "$ours" ] || ! cmp -s plain ours; then
        echo "$tool: exit status $plain without, $ours with the library"
        cat errors
        exit 1
    fi
done
