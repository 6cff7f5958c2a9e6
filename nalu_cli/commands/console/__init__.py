"""The terminal: width and colours, progress, signals, memory."""
