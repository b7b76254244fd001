"""sqlite3 and redis."""

import re

from harness.catalogue import program
from harness.session import free_port


def sql(rows):
    return f"""
.mode csv
PRAGMA journal_mode = WAL;
CREATE TABLE items (id INTEGER PRIMARY KEY, word TEXT, weight REAL, body BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO items SELECT i, 'w' || (i * 7919 % 1009), i / 3.0, printf('%.*c', i % 300, 'x') FROM n;
CREATE INDEX by_word ON items (word, weight);
SELECT word, count(*), round(sum(weight), 3) FROM items GROUP BY word ORDER BY 2 DESC, 1 LIMIT 40;
SELECT a.word, count(*) FROM items a JOIN items b ON a.word = b.word AND a.id < b.id WHERE a.id < 400 GROUP BY 1 ORDER BY 1;
UPDATE items SET body = body || word WHERE id % 3 = 0;
DELETE FROM items WHERE id % 5 = 0;
SELECT json_group_array(word) FROM (SELECT DISTINCT word FROM items ORDER BY word);
SELECT sum(rank), max(total) FROM (SELECT rank() OVER (PARTITION BY word ORDER BY weight) AS rank,
  sum(length(body)) OVER (ORDER BY id) AS total FROM items);
VACUUM;
PRAGMA integrity_check;
"""


@program("sqlite3")
def sqlite3(session):
    """inserts, joins, windows, updates, vacuum and a dump, in memory and in a file"""
    work = sql(session.size(30_000, 150_000))
    session.run("sqlite3", ":memory:", feed=work)
    session.run("sqlite3", "file.db", feed=work)
    session.run("sqlite3", "file.db", ".dump")


REDIS_CHECKS = """
SET greeting hello
APPEND greeting -world
GET greeting
EVAL "local t = {} for i = 1, 20000 do t[#t + 1] = tostring(i) redis.call('RPUSH', 'list', i) end return #table.concat(t)" 0
LRANGE list 19990 -1
EVAL "for i = 1, 5000 do redis.call('HSET', 'map', 'k' .. i, string.rep('v', i % 200)) end return redis.call('HLEN', 'map')" 0
EVAL "for i = 1, 5000 do redis.call('ZADD', 'sorted', i * 7919 % 1009, 'm' .. i) end return redis.call('ZCARD', 'sorted')" 0
ZRANGE sorted 100 110
SETRANGE big 3000000 end
STRLEN big
DEL list
EXISTS list
CONFIG SET maxmemory 1gb
SAVE
"""


@program("redis", needs=("redis-server", "redis-benchmark", "redis-cli"))
def redis(session):
    """a server with I/O threads under redis-benchmark, scripts, a background save"""
    port = free_port()
    command = ("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", session.folder, "--save", "", "--appendonly", "yes",
               "--io-threads", "2", "--daemonize", "no", "--enable-debug-command", "yes")
    with session.server(*command, port=port):
        tests = ("redis-benchmark", "-p", port, "-q", "-n", session.size(10000, 40000), "-r", "5000", "-d", "300", "-P", "8",
                 "-t", "set,get,lpush,lpop,sadd,hset,zadd,mset,lrange_100")
        finished = session.run(*tests, keep=False)
        session.keep("benchmarks", "\n".join(sorted(set(re.findall(r"^([\w (),]+?):.*requests per second", finished.output, re.M)))))
        session.run("redis-cli", "-p", port, "FLUSHALL", keep=False)
        session.keep("checks", session.run("redis-cli", "-p", port, feed=REDIS_CHECKS, keep=False).output)
        session.keep("save", session.run("redis-cli", "-p", port, "BGREWRITEAOF", keep=False).output)
        session.keep("reload", session.run("redis-cli", "-p", port, "DEBUG", "RELOAD", keep=False).output)
        session.keep("digest", session.run("redis-cli", "-p", port, "DEBUG", "DIGEST", keep=False).output)
