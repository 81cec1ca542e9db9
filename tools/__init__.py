"""The binaries. Each parses flags, builds objects, calls the library and prints what comes out."""
