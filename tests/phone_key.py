"""A phone's data key, sealed to an installation by the phone's own code."""

from __future__ import annotations

import subprocess
from pathlib import Path

VAULT = Path(__file__).parents[1] / "static" / "src" / "phone" / "vault.js"
DATA_KEY = bytes(range(32))
SCRIPT = (
    f"import {{ sealToInstallation }} from '{VAULT}'; const [key, publicKey, userId] = process.argv.slice(1); "
    "console.log(await sealToInstallation(Uint8Array.from(Buffer.from(key, 'hex')), publicKey, userId))"
)


def seal_key(public_key: str, user_id: int, data_key: bytes = DATA_KEY) -> str:
    """`data_key` sealed as the phone of that account does it, in base64."""
    node = ["node", "--input-type=module", "--eval", SCRIPT, data_key.hex(), public_key, str(user_id)]
    return subprocess.run(node, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
