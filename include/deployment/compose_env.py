"""``make compose-env``: ``.env`` for docker-compose.yaml, with secrets of its own. Run again it changes none.

Any Python 3 runs it: no virtual environment is needed to deploy containers.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FERNET = "AIRFLOW_FERNET_KEY"
SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "AIRFLOW_API_SECRET_KEY", "AIRFLOW_JWT_SECRET", FERNET)


def filled(template: str) -> str:
    """``template`` with a fresh secret behind each name of :data:`SECRETS` that has no value."""
    lines = []
    for line in template.splitlines():
        name, _, value = line.partition("=")
        lines.append(f"{name}={_secret(name)}" if name in SECRETS and not value.strip() else line)
    missing = [name for name in SECRETS if not any(line.startswith(f"{name}=") for line in lines)]
    return "\n".join([*lines, *(f"{name}={_secret(name)}" for name in missing)]) + "\n"


def _secret(name: str) -> str:
    """32 random bytes; URL-safe, because two of them stand in URLs."""
    if name == FERNET:
        return base64.urlsafe_b64encode(os.urandom(32)).decode()
    return secrets.token_urlsafe(32)


def main(target: Path) -> None:
    """Write `target`, readable by its owner only."""
    source = target if target.exists() else CHECKOUT / ".env.example"
    content = filled(source.read_text())
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    target.chmod(0o600)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKOUT / ".env")
