"""The runtime around the `tgl` package: the component's exports, the standard library in memory, output to the host."""
