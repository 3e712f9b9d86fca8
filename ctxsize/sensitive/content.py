"""What the content of a file with a suspicious name says: the line that holds a secret, or none.

Each check is an expression of what the tool in question writes there. Expressions are RE2's, so that no
file, however hostile, takes more than linear time. Only line numbers are returned.
"""

from __future__ import annotations

from functools import cache

import re2

# What the name of a secret ends with: DB_PASSWORD, but not DB_PASSWORD_FILE.
_KEYWORD = (
    r":?[\w.\-]*(?:password|passwd|passphrase|\bpass|[_.]pass|pwd|secret|token|credentials?|secret_?key_?base"
    r"|(?:api|access|secret|private|auth|account|master|signing|encryption|app)[_\-]?key)\d*"
)
# A value that is one: not empty, no reference to a variable or a template, no placeholder.
_VALUE = r"""[^\s"'`$<{%,;#*]"""
_URL_PASSWORD = r"\w+://[^/\s:@]*:[^/\s@$<{]+@"

#: By name of the check; ``^`` is the start of a line, letters match in either case.
_EXPRESSIONS = {
    "private-key": r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"|^Key: *\(private-key|\((?:21:protected|11:)-?private-key|^PuTTY-User-Key-File-\d",
    "age-key": r"AGE-SECRET-KEY-1",
    "rails-key": r"\A[0-9a-f]{32,64}[ \t\r\n]*\z|-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY-----",
    "assignment": rf"""^[ \t]*(?:export[ \t]+|-[ \t]+)?["']?{_KEYWORD}["']?[ \t]*[:=][ \t]*["']?{_VALUE}"""
    rf"|{_URL_PASSWORD}",
    "wireguard": rf"^[ \t]*(?:PrivateKey|PresharedKey)[ \t]*=[ \t]*{_VALUE}",
    # Bundler's names are addresses: BUNDLE_GEMS__EXAMPLE__COM: "user:password".
    "bundler": rf"""^BUNDLE_[A-Z0-9_]*__[A-Z0-9_]*:[ \t]*["']?{_VALUE}+:{_VALUE}|{_URL_PASSWORD}""",
    "access-token": r'"accessTokens?"[ \t\r\n]*:[ \t\r\n]*(?:\{[ \t\r\n]*"[^"]*"[ \t\r\n]*:[ \t\r\n]*)?'
    rf'"{_VALUE}',
    "json-api-key": rf'"key"[ \t\r\n]*:[ \t\r\n]*"{_VALUE}',
    "rclone": r"^[ \t]*(?:pass|password|token|secret_access_key|key|client_secret)[ \t]*=[ \t]*\S",
    "json-key": r'"private_key"[ \t\r\n]*:[ \t\r\n]*"-----BEGIN',
    "json-secret": r'"(?:private_key|client_secret|refresh_token|access_token|secret_?access_?key)"'
    rf'[ \t\r\n]*:[ \t\r\n]*"{_VALUE}',
    "json-password": rf'"(?:password|passphrase)"[ \t\r\n]*:[ \t\r\n]*"{_VALUE}',
    "connection-string": rf"(?:AccountKey|SharedAccessKey|Password|Pwd)[ ]*=[ ]*{_VALUE}",
    "docker-auth": r'"(?:auth|identitytoken|registrytoken|password)"[ \t\r\n]*:[ \t\r\n]*"[^"$<{]',
    "kubeconfig": rf"""^[ \t]*-?[ \t]*(?:client-key-data|token|password|id-token|refresh-token)"""
    rf"""[ \t]*:[ \t]*["']?{_VALUE}""",
    "npm-token": r"""(?:_authToken|_auth|_password|npmAuthToken|npmAuthIdent|^token)["']?"""
    rf"""(?:[ \t]*[=:]|[ \t])[ \t]*["']?{_VALUE}|{_URL_PASSWORD}""",
    "url-password": _URL_PASSWORD,
    "composer-auth": r'"(?:password|github\.com|gitlab\.com|consumer-secret|token)"'
    r'[ \t\r\n]*:[ \t\r\n]*"[^"$<{]'
    r'|"bearer"[ \t\r\n]*:[ \t\r\n]*\{[ \t\r\n]*"[^"]+"[ \t\r\n]*:[ \t\r\n]*"[^"$<{]',
    "xml-password": rf"<(?:password|passphrase|privateKeyPassphrase|master)>[ \t]*{_VALUE}",
    "nuget-password": rf"""(?:ClearTextPassword|Password)"[ \t]+value="{_VALUE}""",
    "git-token": rf"{_URL_PASSWORD}|\w+://(?:gh[pousr]_|github_pat_|glpat-)[^/\s@]*@"
    r"|^[ \t]*extraheader[ \t]*=[ \t]*authorization:",
    "netrc": rf"\bpassword[ \t\r\n]+{_VALUE}",
    "wp-password": r"""^[ \t]*define\([ \t]*['"]DB_PASSWORD['"][ \t]*,[ \t]*['"][^'"$<]""",
    "hcl-token": rf"""["']?token["']?[ \t]*[=:][ \t]*["']{_VALUE}""",
}

# What stands for a value that is to be filled in, and what an expression takes from somewhere else.
_PLACEHOLDER = (
    r"(?:change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this)|your[-_ ][\w -]*|placeholder|fix[-_ ]?me|todo)\b"
    r"|ENV\[|ENV\.fetch|os\.(?:environ|getenv)|process\.env|getenv\(|env\(|vault\("
)
_LONGEST_PLACEHOLDER = 80

_XML = frozenset(["xml-password", "nuget-password"])

# Files that are encrypted as a whole are made to be passed around: git-crypt, Ansible Vault, age, sops.
_ENCRYPTED = (
    r"\A\x00GITCRYPT\x00|\A\$ANSIBLE_VAULT;|\Aage-encryption\.org/v1|\A-----BEGIN AGE ENCRYPTED FILE-----"
    r"|^sops_version=|(?:^|[{,])[ \t]*\"?sops\"?:[ \t\r\n]*\{?[ \t\r\n]*\"?(?:kms|gcp_kms|azure_kv"
    r"|hc_vault|age|pgp|shamir_threshold|lastmodified)\"?:"
)


def secret_line(data: bytes, check: str) -> int | None:
    """The number, from 1, of the first line in which the check of that name finds a secret.

    None when it finds none; also in files that hold null bytes, which are no text.
    """
    if b"\x00" in data:
        return None
    if check in _XML:
        # The files these tools come with have examples in comments.
        data = _expression(r"<!--(?s:.*?)-->").sub(lambda comment: b"\n" * comment[0].count(b"\n"), data)
    for found in _expression(_EXPRESSIONS[check]).finditer(data):
        # A value begins with the last character of what was found.
        if not _expression(_PLACEHOLDER).match(data[found.end() - 1 : found.end() + _LONGEST_PLACEHOLDER]):
            return data.count(b"\n", 0, found.start()) + 1
    return None


def is_encrypted(data: bytes) -> bool:
    """Whether the file is encrypted as a whole by a tool whose files are meant to be committed."""
    return _expression(_ENCRYPTED).search(data) is not None


@cache
def _expression(text: str) -> re2._Regexp:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    return re2.compile(f"(?m){text}".encode(), options)
