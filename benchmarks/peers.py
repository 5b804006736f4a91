"""Environments of the projects that we measure ourselves against, apart from ours: build/peers/<name>.

python -m benchmarks.peers flower      makes it, where it is not there yet, and prints its interpreter
"""

import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
HOME: Final = ROOT / "build" / "peers"
#: Peer -> what pip installs. Pinned, so that a figure says what it was measured against.
PEERS: Final[dict[str, tuple[str, ...]]] = {"flower": ("flwr==1.41.0", "numpy==2.4.6")}


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made when it is not there.

    Raises:
        SystemExit: there is no such peer, or pip could not install it.
    """
    if peer not in PEERS:
        raise SystemExit(f"there is no peer {peer!r}: expected one of {', '.join(PEERS)}")
    folder = HOME / peer
    python, done = folder / "bin" / "python", folder / ".installed"
    wanted = "\n".join(PEERS[peer])
    if not done.exists() or done.read_text() != wanted:
        sys.stderr.write(f"benchmarks: installing {', '.join(PEERS[peer])} into {folder.relative_to(ROOT)}\n")
        venv.create(folder, with_pip=True, clear=True)
        try:
            subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS[peer]], check=True, stdout=sys.stderr)
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"pip could not install {', '.join(PEERS[peer])}") from error
        done.write_text(wanted)
    return python


if __name__ == "__main__":
    for name in sys.argv[1:] or PEERS:
        print(python_of(name))
