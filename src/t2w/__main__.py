"""`python -m t2w` is `t2w`."""

from t2w.cli.main import main

main()
