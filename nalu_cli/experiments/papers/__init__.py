"""The experiments of the papers on neural arithmetic, each repeated by one command."""
