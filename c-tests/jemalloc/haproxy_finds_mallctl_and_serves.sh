# haproxy asks for mallctl by its name, and purges arenas with it when it is to flush its pools (SIGQUIT).
export PATH=$PATH:/usr/sbin
command -v haproxy > /dev/null && command -v curl > /dev/null || { echo "skipped: no haproxy or no curl"; exit 77; }
LD_DEBUG=bindings LD_PRELOAD=$LIB_SO haproxy -vv 2>&1 | grep -q 'binding file haproxy .* to .*libtinyalloc-jemalloc\.so.* normal symbol `mallctl' || exit 1
cat > haproxy.cfg << END
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend front
  bind unix@$PWD/front.sock
  http-request return status 200 content-type text/plain string "served"
END
LD_PRELOAD=$LIB_SO haproxy -db -f haproxy.cfg > log 2>&1 &
server=$!
for _ in $(seq 100); do [ -S front.sock ] && break; sleep 0.05; done
asks() { [ "$(curl -s --unix-socket front.sock http://server/)" = served ]; }
for _ in $(seq 20); do asks || { cat log; kill $server; exit 1; }; done
kill -QUIT $server
for _ in $(seq 100); do grep -q '^Total:' log && break; sleep 0.05; done
asks && grep -q '^Total:' log
result=$?
kill $server
wait $server
exit $result
