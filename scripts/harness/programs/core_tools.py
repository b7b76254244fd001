"""echo, ldd, tree, ls, grep, tar with gzip."""

import re

from harness.catalogue import program


@program("echo", needs=("/bin/echo",))
def echo(session):
    """prints arguments, many times"""
    for number in range(session.size(20, 200)):
        session.run("/bin/echo", "-e", f"number {number}", "and a\\ttab", "x" * number)


@program("ldd")
def ldd(session):
    """lists the libraries of programs"""
    for binary in ("/bin/bash", "/usr/bin/git", "/usr/bin/python3"):
        wanted = library_names(session.helper("ldd", binary))
        found = library_names(session.run("ldd", binary, keep=False).output)
        session.keep(binary, "\n".join(sorted(wanted & found)))


def library_names(listing):
    # The preloaded library is rightly listed too, so only the names of the plain run count.
    return set(re.findall(r"^\s*(\S+\.so\S*)", listing, re.M))


@program("tree")
def tree(session):
    """draws /usr"""
    session.run("tree", "/usr", *session.size(("-L", "4"), ()))
    session.run("tree", "-J", "/usr/include")


@program("ls")
def ls(session):
    """ls -lR of /usr/include or /usr/lib"""
    session.run("ls", "-lR", session.size("/usr/include", "/usr/lib"))
    session.run("ls", "-laS", "--color=always", "/usr/bin")


@program("grep")
def grep(session):
    """grep -r with fixed strings, expressions and back references"""
    session.run("grep", "-rn", "malloc", "/usr/include")
    session.run("grep", "-rcE", r"(struct|union) +[a-z_]+ *\{", session.size("/usr/include/linux", "/usr/include"))
    session.run("grep", "-rhoiE", r"\b([a-z])\1[a-z]{3}\b", "/usr/include/asm-generic", "/usr/include/net")


@program("tar", needs=("tar", "gzip", "sha256sum"))
def tar(session):
    """packs /usr/include with gzip, lists it, unpacks a part, compares"""
    tree_name = session.size("./linux", ".")
    session.run("tar", "-C", "/usr/include", "--sort=name", "-I", "gzip -n", "-cf", session.folder / "all.tar.gz", tree_name)
    session.run("sha256sum", "all.tar.gz")
    session.run("tar", "-tvzf", "all.tar.gz")
    (session.folder / "unpacked").mkdir()
    session.run("tar", "-C", session.folder / "unpacked", "-xzf", "all.tar.gz", "./linux")
    session.run("diff", "-r", "/usr/include/linux", "unpacked/linux")
