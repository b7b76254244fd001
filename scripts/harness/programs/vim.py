"""vim: a scripted edit, and a person's."""

from harness.catalogue import program

SCRIPT = r"""
call setline(1, map(range(1, 3000), '"line " . v:val . " word" . (v:val * 7919 % 101)'))
%s/\vword(\d+)/\=submatch(1) * 2/g
sort /line \d\+ / n
g/7$/d
normal! ggqaA!jq200@a
let words = {}
for row in getline(1, '$')
  let words[split(row)[2]] = get(words, split(row)[2], []) + [len(row)]
endfor
call append('$', string(sort(items(words)))[:2000])
1,50move $
undo
redo
write! edited.txt
quitall!
"""


@program("vim")
def vim(session):
    """substitutions, macros, undo, dictionaries in a script; insert, visual, search by hand"""
    session.write("script.vim", SCRIPT)
    for _ in range(session.size(1, 5)):
        session.run("vim", "-es", "-Nu", "NONE", "-i", "NONE", "-S", "script.vim")
    session.keep("edited", (session.folder / "edited.txt").read_text())
    with session.terminal("vim", "-Nu", "NONE", "-i", "NONE", "-n", "typed.txt") as editor:
        editor.expect("typed.txt")
        for keys in ("ihello from tinyalloc\x1b", "yy50p", ":%s/hello/goodbye/\r", "ggVGJ", "u", ":vsplit\r", ":help\r", ":only\r"):
            editor.type(keys)
        editor.expect("help.txt|main help file|E433|E149|substitutions")
        editor.type(":b 1\r:1,3w! typed.txt\r:qa!\r")
    session.keep("typed", (session.folder / "typed.txt").read_text())
