"""The data sets that past-core reads, and how a folder finds its reader."""
