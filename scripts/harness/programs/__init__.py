"""Every module here registers its programs, in the order of this list."""

from harness.programs import core_tools, git, web, python3, node, gdb, compilers, languages, databases, vim

__all__ = ["core_tools", "git", "web", "python3", "node", "gdb", "compilers", "languages", "databases", "vim"]
