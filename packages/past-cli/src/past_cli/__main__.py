"""``python -m past_cli`` is ``past-cli``."""

from __future__ import annotations

from past_cli.main import main

if __name__ == "__main__":
    main()
