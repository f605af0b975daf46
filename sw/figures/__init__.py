"""The figures of README and documents: measured by commands, kept in one file, rendered as tables."""
