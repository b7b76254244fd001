"""Tests of the scripts' library: python3 -B -m unittest discover -s scripts/harness/tests -t scripts"""
