"""perl, php, bash, java."""

from harness.catalogue import program

PERL_SCRIPT = r"""
use strict; use warnings; use Digest::SHA qw(sha256_hex); use Storable qw(dclone);
my $rounds = shift;
my %words;
push @{$words{'k' . ($_ * 7919 % 1009)}}, "value $_" for 1 .. $rounds * 1000;
my $copy = dclone(\%words);
my $text = join "\n", map { "$_: " . join ',', @{$copy->{$_}} } sort keys %$copy;
(my $changed = $text) =~ s/value (\d)(\d*)/"$2-$1"/ge;
my @sorted = sort { length $a <=> length $b || $a cmp $b } split /[\n,]/, $changed;
print scalar(@sorted), ' ', sha256_hex(join '|', @sorted), "\n";
for my $part (1 .. 4) {
    my $pid = open my $child, '-|';
    if (!$pid) { my @list = map { { n => $_, s => 'x' x ($_ % 80) } } 1 .. 20000; print "part $part ", scalar(@list), "\n"; exit 0; }
    print while <$child>;
    close $child or die "child $part: $?";
}
my $long = ''; $long .= chr(97 + $_ % 26) x 37 for 1 .. 20000;
print length($long), ' ', ($long =~ tr/a//), "\n";
"""

PHP_SCRIPT = r"""<?php
$rounds = (int)$argv[1];
$words = [];
for ($i = 0; $i < $rounds * 1000; $i++) $words['k' . $i * 7919 % 1009][] = ['n' => $i, 's' => str_repeat(chr(97 + $i % 26), $i % 40)];
ksort($words);
$text = json_encode($words);
echo strlen($text), ' ', sha1($text), ' ', json_decode($text, true) === $words ? 'same' : 'different', "\n";
echo sha1(preg_replace_callback('/"n":(\d)(\d*)/', fn($found) => $found[2] . '-' . $found[1], $text)), "\n";
echo sha1(mb_convert_encoding(mb_strtoupper(str_repeat('Grüße, 世界. ', $rounds * 100)), 'UTF-16')), "\n";
$document = new DOMDocument();
$list = $document->appendChild($document->createElement('list'));
for ($i = 0; $i < $rounds * 100; $i++) $list->appendChild($document->createElement('item', "text $i"))->setAttribute('n', $i % 7);
$copy = simplexml_load_string($document->saveXML());
echo count($copy->item), ' ', count($copy->xpath('//item[@n="3"]')), "\n";
$tables = new SQLite3(':memory:');
$tables->exec('create table numbers(a, b)');
$insert = $tables->prepare('insert into numbers values(?, ?)');
for ($i = 0; $i < $rounds * 100; $i++) {
    $insert->bindValue(1, $i % 17);
    $insert->bindValue(2, "number $i");
    $insert->execute();
}
echo json_encode($tables->querySingle('select count(*), sum(a), max(b) from numbers', true)), "\n";
$packed = gzcompress($text);
echo gzuncompress($packed) === $text ? 'unpacked' : 'broken', ' ', strlen(serialize(new ArrayObject($words))), "\n";
for ($part = 0; $part < 3; $part++) {
    $child = pcntl_fork();
    if ($child === 0) { $list = array_map('strrev', array_map('strval', range(0, 20000))); exit(count($list) % 7); }
    pcntl_waitpid($child, $status);
    echo "part $part ", pcntl_wexitstatus($status), "\n";
}
"""

BASH_SCRIPT = r"""
set -eu
declare -a numbers; declare -A counts
for ((i = 0; i < $1; i++)); do numbers+=("item $i"); key=k$((i * 7919 % 101)); counts[$key]=$((${counts[$key]:-0} + i)); done
echo "${#numbers[@]} ${numbers[@]: -2}"
for key in "${!counts[@]}"; do echo "$key=${counts[$key]}"; done | sort | md5sum
for i in 1 2 3 4 5; do (numbers=("${numbers[@]/item/part}"); echo "$i ${numbers[$i]} $(echo nested $(echo deeper $i))"); done
text=$(for ((i = 0; i < 2000; i++)); do echo "line $i ${numbers[$((i % ${#numbers[@]}))]}"; done)
mapfile -t rows <<< "$text"; echo "${#rows[@]} ${#text}"
for job in 1 2 3; do (sleep 0.01; echo done) & done; wait
case "${text//line/row}" in row*) echo renamed;; esac
[[ $text =~ line\ (1[0-9]+)\ item ]] && echo "${BASH_REMATCH[1]}"
printf '%s\n' {a..e}{1..20} | while read -r word; do printf '%s;' "${word^^}"; done; echo
trap 'echo bye' EXIT
"""

JAVA_SOURCE = """
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import java.util.zip.*;
import java.nio.ByteBuffer;
public class Work {
    static long part(int id, int rounds) throws Exception {
        Map<String, List<Integer>> words = new TreeMap<>();
        for (int i = 0; i < rounds; i++) words.computeIfAbsent("w" + (i * 31 + id) % 499, k -> new ArrayList<>()).add(i);
        byte[] text = words.toString().getBytes();
        Deflater deflater = new Deflater();
        deflater.setInput(text); deflater.finish();
        byte[] packed = new byte[text.length + 100];
        int length = deflater.deflate(packed); deflater.end();
        Inflater inflater = new Inflater();
        inflater.setInput(packed, 0, length);
        byte[] back = new byte[text.length];
        int got = inflater.inflate(back); inflater.end();
        ByteBuffer direct = ByteBuffer.allocateDirect(100000 + id * 1000);
        while (direct.remaining() >= 8) direct.putLong(id);
        return Arrays.hashCode(back) * 31L + got + direct.position();
    }
    public static void main(String[] arguments) throws Exception {
        int threads = Integer.parseInt(arguments[0]), rounds = Integer.parseInt(arguments[1]);
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        List<Future<Long>> parts = new ArrayList<>();
        for (int id = 0; id < threads * 4; id++) { int own = id; parts.add(pool.submit(() -> part(own, rounds))); }
        for (Future<Long> part : parts) System.out.println(part.get());
        pool.shutdown();
        System.gc();
        System.out.println(IntStream.range(0, 100000).parallel().mapToObj(i -> "s" + i).collect(Collectors.toSet()).size());
    }
}
"""


@program("perl")
def perl(session):
    """hashes, sorting, expressions, deep copies, forks"""
    session.write("script.pl", PERL_SCRIPT)
    session.run("perl", "script.pl", session.size(40, 600))


@program("php")
def php(session):
    """loads all extensions; arrays, JSON, expressions, Unicode, XML, SQLite, zlib, forks"""
    session.run("php", "-m")
    session.write("script.php", PHP_SCRIPT)
    session.run("php", "script.php", session.size(10, 150))


@program("bash")
def bash(session):
    """arrays, maps, subshells, substitutions, jobs, expressions"""
    session.write("script.sh", BASH_SCRIPT)
    session.run("bash", "--norc", "script.sh", session.size(3000, 40000))


@program("java", version=("java", "-version"))
def java(session):
    """compiles and runs a program with threads, zlib and direct buffers"""
    session.write("Work.java", JAVA_SOURCE)
    arguments = (session.size(4, 8), session.size(20000, 300000))
    if session.helper("sh", "-c", "command -v javac || true").strip():
        session.run("javac", "-encoding", "UTF-8", "Work.java", env={"LC_ALL": "C.UTF-8"})
        session.run("java", "-Xmx400m", "-cp", ".", "Work", *arguments)
    else:
        session.run("java", "-Xmx400m", "-XshowSettings:none", "-version", keep=False)
        session.run("java", "-Xmx400m", "Work.java", *arguments)
