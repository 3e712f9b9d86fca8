"""Files that look like secrets: which of them a build gets, and which only the ignore file keeps out.

Names are judged during the scan that is made anyway (names.py), the content of the few files whose name is
not enough is looked at (content.py), and on request a maintained detector reads small text files
(detector.py). What is found is told by path, kind and line: no part of a secret leaves this package.
"""
