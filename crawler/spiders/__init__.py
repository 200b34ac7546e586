"""The spiders, one file for each museum; the name of a spider is the value of `--source`."""
