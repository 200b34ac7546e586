"""One museum a file; a spider's name is what `--source` takes."""
