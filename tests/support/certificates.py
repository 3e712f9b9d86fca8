"""Certificates for tests with TLS, made by the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_certificates(folder: Path, names: str = "DNS:builder,IP:127.0.0.1") -> Path:
    """Write ``ca``, ``server`` and ``client``, each as ``.crt`` and ``.key``, all for ``names``."""
    (folder / "names").write_text(f"subjectAltName={names}")
    for name in ("ca", "server", "client"):
        words = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        words += ["-subj", f"/CN={name}", "-keyout", f"{name}.key"]
        _openssl(folder, *words, *(["-x509", "-out", "ca.crt"] if name == "ca" else ["-out", f"{name}.csr"]))
        if name != "ca":
            signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
            _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)
    return folder


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
