"""git: a history is made, cloned, searched, merged, and collected."""

from harness.catalogue import program

DATE = "1700000000 +0000"
IDENTITY = {
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": DATE,
    "GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_COMMITTER_DATE": DATE,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@program("git")
def git(session):
    """fast-import, clone, log, blame, merge, gc, fsck on a repository made by the test"""
    def run(folder, *words, **options):
        return session.run("git", "-C", session.folder / folder, "-c", "gc.autoDetach=false", *words, env=IDENTITY, **options)

    session.run("git", "init", "-q", "-b", "main", "origin", env=IDENTITY)
    run("origin", "fast-import", "--quiet", feed=history(session.size(150, 1500)))
    session.run("git", "clone", "-q", f"file://{session.folder}/origin", "clone", env=IDENTITY)
    run("clone", "log", "--stat", "-p", "--reverse", "-n", session.size("60", "600"))
    run("clone", "blame", "file3.txt")
    run("clone", "grep", "-n", "-E", "line (1|2)[0-9]+ of")
    run("clone", "merge", "-q", "-m", "join", "origin/side")
    run("clone", "rev-parse", "HEAD", "HEAD^{tree}")
    run("clone", "gc", "-q", "--aggressive", "--prune=now")
    run("clone", "fsck", "--full", "--strict")
    run("clone", "count-objects", "-v", clean=lambda text: "\n".join(row for row in text.splitlines() if "size" not in row))


def history(commits):
    rows = []
    for number in range(commits):
        if number == commits // 2:
            rows += commit("side", "aside", "side.txt", content(7), commits, parent="refs/heads/main")
        rows += commit("main", f"commit {number}", f"file{number % 20}.txt", content(number), number)
    return "\n".join(rows) + "\n"


def commit(branch, message, name, text, number, parent=None):
    start = [f"from {parent}"] if parent else []
    return [
        f"commit refs/heads/{branch}", f"committer C <c@example.org> {1700000000 + number} +0000",
        f"data {len(message)}", message, *start, f"M 100644 inline {name}", f"data {len(text)}", text,
    ]


def content(number):
    return "\n".join(f"line {line} of {(line * (number + 3)) % 97}" for line in range(50 + number * 3 % 400)) + "\n"
