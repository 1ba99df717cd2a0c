"""Scans as memory-mapped slices, training patches drawn from them, and the way back to scans."""
