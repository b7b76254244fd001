"""Loads the commands of gdb for a heap of tinyalloc, which tinyalloc_gdb.py beside it has.

gdb loads this file by itself where `make install` put it; otherwise: source /path/to/tinyalloc-gdb.py
"""

import os
import sys


def load(folder):
    """What gdb sources shares one namespace: the commands have one of their own. Nothing is written where the files are."""
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, folder)
    try:
        __import__("tinyalloc_gdb")
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = writes


load(os.path.dirname(os.path.realpath(__file__)))
