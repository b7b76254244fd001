# mariadbd asks mallctl for its version, and shows it: @@version_malloc_library.
export PATH=$PATH:/usr/sbin
for tool in mariadbd mariadb-install-db mariadb; do command -v $tool > /dev/null || { echo "skipped: no $tool"; exit 77; }; done
options=(--no-defaults "--datadir=$PWD/data" --innodb-buffer-pool-size=8M --innodb-log-file-size=4M)
[ "$(id -u)" -ne 0 ] || options+=(--user=root)
mariadb-install-db "${options[@]}" --auth-root-authentication-method=normal --skip-test-db > log 2>&1 || { cat log; exit 1; }
LD_PRELOAD=$LIB_SO mariadbd "${options[@]}" "--socket=$PWD/server.sock" --skip-networking "--pid-file=$PWD/pid" > log 2>&1 &
server=$!
for _ in $(seq 200); do [ -S server.sock ] && break; sleep 0.05; done
# Without a socket in time the query says so.
mariadb --no-defaults -uroot "--socket=$PWD/server.sock" --skip-column-names -e 'SELECT @@version_malloc_library;
    CREATE DATABASE d; CREATE TABLE d.t (i INT PRIMARY KEY, s VARCHAR(200)) ENGINE=InnoDB;
    INSERT INTO d.t SELECT seq, REPEAT("x", seq % 200) FROM d.seq_1_to_20000; SELECT COUNT(*), SUM(LENGTH(s)) FROM d.t' > answers 2>&1
kill $server
wait $server || { cat log; exit 1; }
printf '%s\n' 'jemalloc 5.3.0-0-tinyalloc-VERSION' "20000	1990000" > wanted
sed 's/\(tinyalloc-\).*/\1VERSION/' answers | diff wanted -
