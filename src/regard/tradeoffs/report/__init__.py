"""One self-contained page of a run: the verdict first, then everything it rests on."""
